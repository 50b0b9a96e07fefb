import { type Call, type DollarPrices, isTokenCall } from '../core/index.ts'
import type { Candidate, PricedOutcome, Pricing, TokenCount } from '../gateway/index.ts'
import { measureCall } from '../session/index.ts'

export interface PricingOptions {
  /** Who may answer a call with a model, under every setup that still answers; the newest first. */
  readonly serving: (call: Call, model: string) => readonly Candidate[]
  /** What the smallest unit of the escrow's token comes to, in millionths of a dollar; payments to peers count for nothing when missing. */
  readonly unitCost?: (units: bigint) => bigint
}

/** Calls in millionths of a dollar, by the lists of those who operate this node. */
export interface DollarPricing extends Pricing {
  /** Undefined where nothing says what it costs. */
  readonly known: (call: Call, outcome: PricedOutcome & { readonly cost?: bigint }) => bigint | undefined
}

const million = 1_000_000n

export function createPricing({ serving, unitCost }: PricingOptions): DollarPricing {
  const known: DollarPricing['known'] = (call, outcome) => {
    const { route, cost } = outcome
    if (route?.isShared === true) return 0n
    const dollars = route === undefined ? listed(serving, call, outcome.servedBy) : route.dollars
    if (dollars !== undefined) return costOf(dollars, outcome)
    const paid = cost === undefined ? undefined : unitCost?.(cost)
    const others = outcome.elsewhere?.dollars ?? 0n
    return others === 0n ? paid : (paid ?? 0n) + others
  }
  return {
    known,
    of: (call, outcome) => known(call, outcome) ?? 0n,
    atMost: (call, tokens) => {
      const prices = serving(call, call.body.model ?? '').flatMap(({ dollars }) => dollars ?? [])
      return prices.reduce((most, dollars) => larger(most, mostOf(call, tokens, dollars)), 0n)
    },
  }
}

/** Where nobody had to choose: what those who serve the model under this name ask. */
function listed(serving: PricingOptions['serving'], call: Call, servedBy: string): DollarPrices | undefined {
  return serving(call, call.body.model ?? '').find(({ name }) => name === servedBy)?.dollars
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

/** Of who gave the end of the answer by its own prices; what others took has its price already. */
function costOf(
  { in: prompt = 0n, out: answer = 0n, ...each }: DollarPrices,
  { usage, units, elsewhere }: PricedOutcome,
): bigint {
  const { tokensIn = 0, tokensOut = 0, dollars = 0n } = elsewhere ?? {}
  const own = BigInt(usage.prompt_tokens - tokensIn) * prompt + BigInt(usage.completion_tokens - tokensOut) * answer
  return dollars + rounded(own, million) + (units === undefined ? 0n : unitsCost(each, units))
}

function unitsCost(
  { image = 0n, minute = 0n, characters = 0n }: DollarPrices,
  { unit, count }: NonNullable<PricedOutcome['units']>,
): bigint {
  switch (unit) {
    case 'images':
      return BigInt(Math.round(count)) * image
    case 'seconds':
      return rounded(BigInt(Math.round(count * 1_000)) * minute, 60_000n)
    case 'characters':
      return rounded(BigInt(Math.round(count)) * characters, million)
  }
}

/** To the nearest, so that many small calls together come to what they cost. */
function rounded(amount: bigint, divisor: bigint): bigint {
  return (amount + divisor / 2n) / divisor
}

function mostOf(call: Call, { in: prompt, out: answer }: TokenCount, dollars: DollarPrices): bigint {
  const { in: priceIn = 0n, out: priceOut = 0n, image = 0n, minute = 0n, characters = 0n } = dollars
  if (isTokenCall(call)) {
    const tokens = BigInt(Math.ceil(prompt)) * priceIn + BigInt(Math.ceil(answer)) * priceOut
    return (tokens + million - 1n) / million
  }
  const { n, input } = call.body as Readonly<Record<string, unknown>>
  switch (call.task) {
    case 'image':
    case 'imageEdit':
    case 'imageVariation':
      return BigInt(Math.max(1, Math.min(100, Math.trunc(Number(n ?? 1)) || 1))) * image
    case 'speech':
      return (BigInt(String(input ?? '').length) * characters + million - 1n) / million
    case 'transcription':
    case 'translation':
      return minute === 0n ? 0n : (BigInt(measureCall(call).in) * minute + 59n) / 60n
    default:
      return 0n
  }
}
