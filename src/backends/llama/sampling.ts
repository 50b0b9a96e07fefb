import { ParleyError, type Random } from '../../core/index.ts'

/** What the engine's sampler is told once per answer. */
export interface SamplerConfig {
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly minP: number
  readonly seed: number
  readonly repeatPenalty: number
  readonly repeatPenaltyMaxTokens: number
  readonly repeatPenaltyPresencePenalty: number
  readonly repeatPenaltyFrequencyPenalty: number
  /** The tokens penalties look back on before the first of the answer. */
  readonly repeatPenaltyTokens: Uint32Array
  readonly tokenBiasKeys?: Uint32Array
  readonly tokenBiasValues?: Float32Array
  readonly grammarEvaluationState?: unknown
}

type Body = Readonly<Record<string, unknown>>

const repeatWindowTokens = 64
/** The largest 32-bit number means "choose one" to the engine, so seeds stay below it. */
const seedRange = 2 ** 32 - 1

/** The engine's usual values for a chat, those of llama-server; a request overrides each. */
const defaults = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 }

/** Reads the sampling fields of a request. `turn` counts the answers of one call (`n`), each with a seed of its own. */
export function samplingOf(body: Body, prompt: Uint32Array, random: Random, turn: number): SamplerConfig {
  const seed = integer(body, 'seed', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  const repeatPenalty = number(body, 'repeat_penalty', 0.01, 10) ?? number(body, 'repetition_penalty', 0.01, 10) ?? 1
  const presence = number(body, 'presence_penalty', -2, 2) ?? 0
  const frequency = number(body, 'frequency_penalty', -2, 2) ?? 0
  const window = presence !== 0 || frequency !== 0 ? 4_096 : repeatWindowTokens
  return {
    temperature: number(body, 'temperature', 0, 2) ?? defaults.temperature,
    topK: integer(body, 'top_k', -1, 1_000_000) ?? defaults.topK,
    topP: number(body, 'top_p', 0, 1) ?? defaults.topP,
    minP: number(body, 'min_p', 0, 1) ?? defaults.minP,
    seed: seed === undefined ? Buffer.from(random.bytes(4)).readUInt32LE() : wrap(seed + turn),
    repeatPenalty,
    repeatPenaltyMaxTokens: window,
    repeatPenaltyPresencePenalty: presence,
    repeatPenaltyFrequencyPenalty: frequency,
    repeatPenaltyTokens: repeatPenalty === 1 ? new Uint32Array(0) : prompt.slice(-repeatWindowTokens),
    ...biases(body.logit_bias),
  }
}

/** The stop strings of a request, empty ones left out. */
export function stopsOf(body: Body): string[] {
  const stops = (typeof body.stop === 'string' ? [body.stop] : Array.isArray(body.stop) ? body.stop : []) as unknown[]
  const strings = stops.filter((stop): stop is string => typeof stop === 'string' && stop !== '')
  if (strings.length > 16 || strings.some(stop => stop.length > 1_000)) {
    throw new ParleyError('invalid_request', 'stop takes up to 16 strings of up to 1,000 characters', { param: 'stop' })
  }
  return strings
}

/** A number field within its range; undefined when absent. */
export function number(body: Body, field: string, min: number, max: number): number | undefined {
  const value = body[field]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw new ParleyError('invalid_request', `${field} is a number from ${min} to ${max}`, { param: field })
}

export function integer(body: Body, field: string, min: number, max: number): number | undefined {
  const value = number(body, field, min, max)
  if (value === undefined || Number.isInteger(value)) return value
  throw new ParleyError('invalid_request', `${field} is a whole number from ${min} to ${max}`, { param: field })
}

/** OpenAI's `logit_bias`: token ids to a bias from -100 (never) to 100 (always). */
function biases(value: unknown): Pick<SamplerConfig, 'tokenBiasKeys' | 'tokenBiasValues'> {
  if (typeof value !== 'object' || value === null) return {}
  const entries = Object.entries(value)
  if (entries.length === 0) return {}
  const bad = entries.some(
    ([token, bias]) => !/^\d{1,9}$/.test(token) || typeof bias !== 'number' || Math.abs(bias) > 100,
  )
  if (bad || entries.length > 1_024) {
    throw new ParleyError('invalid_request', 'logit_bias maps up to 1,024 token ids to numbers from -100 to 100', {
      param: 'logit_bias',
    })
  }
  return {
    tokenBiasKeys: Uint32Array.from(entries, ([token]) => Number(token)),
    tokenBiasValues: Float32Array.from(entries, ([, bias]) => Number(bias)),
  }
}

function wrap(seed: number): number {
  return ((seed % seedRange) + seedRange) % seedRange
}
