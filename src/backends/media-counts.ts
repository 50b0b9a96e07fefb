import type { Outcome, RelayedCall, Units } from '../core/index.ts'
import { noUsage, type Usage, usageOf } from '../openai/index.ts'

type Fields = Record<string, unknown>

/** The tokens a body reports, under the names its kind of answer uses for them. */
export function usageIn(body: unknown): Usage {
  const used = fieldsOf(fieldsOf(body).usage)
  const input = count(used.input_tokens ?? used.prompt_tokens)
  const output = count(used.output_tokens ?? used.completion_tokens)
  if (input + output > 0) return usageOf(input, output)
  const total = count(used.total_tokens)
  return total > 0 ? usageOf(total, 0) : noUsage
}

/** What was answered beside tokens, where the call or the answer tells it. */
export function unitsOf(call: RelayedCall, body?: unknown): Pick<Outcome, 'units'> {
  switch (call.task) {
    case 'image':
    case 'imageEdit':
    case 'imageVariation':
      return units('image', listed(fieldsOf(body).data))
    case 'speech':
      return units('character', Array.from(call.body.input).length)
    case 'transcription':
    case 'translation':
      return units('second', seconds(fieldsOf(body)))
    default:
      return {}
  }
}

function units(kind: Units['kind'], amount: number): Pick<Outcome, 'units'> {
  return amount > 0 ? { units: { kind, count: amount } } : {}
}

/** How long the sound was that was heard: told by a detailed transcript, or as what is billed. */
function seconds({ duration, usage }: Fields): number {
  const length = Number(fieldsOf(usage).seconds ?? duration)
  return Number.isFinite(length) && length > 0 ? length : 0
}

function listed(value: unknown): number {
  return Array.isArray(value) ? value.length : 0
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
