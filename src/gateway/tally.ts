import type { Call, DollarPrices, Elsewhere } from '../core/index.ts'
import { type Chunk, type Usage, usageOf } from '../openai/index.ts'
import type { CandidateFacts } from './candidate.ts'
import { textBytesOf } from './needs.ts'

/** Tokens an answer took. */
export interface Tally {
  readonly prompt: number
  readonly output: number
  /** Whether some of it is a guess, as nobody counted. */
  readonly isEstimated: boolean
}

export const noTally: Tally = { prompt: 0, output: 0, isEstimated: false }

const bytesPerToken = 4
/** A text that is longer is no single token. */
const tokenBytesMax = 32

/** Counts an answer while it comes: one that breaks off has mostly not said yet what it took. */
export interface Meter {
  add: (chunk: Chunk, text: string) => void
  /** Undefined while nothing came. */
  readonly tally: Tally | undefined
}

export function createMeter(call: Call): Meter {
  let prompt: number | undefined
  let output = 0
  let isGuessed = false
  let hasBegun = false
  return {
    add: (chunk, text) => {
      hasBegun = true
      const usage = chunk.usage()
      prompt = usage?.prompt_tokens || (chunk.meta.promptTokens ?? prompt)
      output = usage?.completion_tokens ?? output + tokensOf(chunk, text)
      isGuessed = usage === undefined && (isGuessed || (text !== '' && chunk.meta.outputTokens === undefined))
    },
    get tally() {
      if (!hasBegun) return undefined
      const guess = Math.ceil(textBytesOf(call) / bytesPerToken)
      return { prompt: prompt ?? guess, output, isEstimated: isGuessed || prompt === undefined }
    },
  }
}

/** Tokens of a text that a chunk shows; most servers send them one by one. */
export function tokensOf({ meta }: Chunk, text: string): number {
  if (text === '') return 0
  const bytes = Buffer.byteLength(text)
  return meta.outputTokens ?? (bytes <= tokenBytesMax ? 1 : Math.ceil(bytes / bytesPerToken))
}

export function added(a: Tally, b: Tally | undefined): Tally {
  if (b === undefined) return a
  return { prompt: a.prompt + b.prompt, output: a.output + b.output, isEstimated: a.isEstimated || b.isEstimated }
}

/** The usage of the last teller, and of those before it. */
export function summed(usage: Usage, { prompt, output, isEstimated }: Tally): Usage {
  const sum = usageOf(usage.prompt_tokens + prompt, usage.completion_tokens + output)
  return { ...usage, ...sum, ...(isEstimated && { estimated: true }) }
}

/** By its prices: who broke off never told what it took. */
export function costOf(
  { prompt, output }: Tally,
  { priceIn = 0n, priceOut = 0n }: Pick<CandidateFacts, 'priceIn' | 'priceOut'>,
): bigint {
  return (BigInt(prompt) * priceIn + BigInt(output) * priceOut + 999_999n) / 1_000_000n
}

/** The same in millionths of a dollar, to the nearest. */
export function dollarsOf({ prompt, output }: Tally, prices: DollarPrices | undefined): bigint {
  const { in: priceIn = 0n, out: priceOut = 0n } = prices ?? {}
  return (BigInt(prompt) * priceIn + BigInt(output) * priceOut + 500_000n) / 1_000_000n
}

/** Undefined where nothing of it comes to anything. */
export function elsewhereOf(...parts: readonly (Elsewhere | undefined)[]): Elsewhere | undefined {
  const known = parts.filter(part => part !== undefined)
  const sum = known.reduce(
    (a, b) => ({
      tokensIn: a.tokensIn + b.tokensIn,
      tokensOut: a.tokensOut + b.tokensOut,
      dollars: a.dollars + b.dollars,
    }),
    { tokensIn: 0, tokensOut: 0, dollars: 0n },
  )
  return sum.tokensIn + sum.tokensOut === 0 && sum.dollars === 0n ? undefined : sum
}
