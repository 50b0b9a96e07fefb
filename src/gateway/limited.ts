import type { Call, Context, Filter, Limits, Outcome, Principal, Route, Taking, TokenCall } from '../core/index.ts'
import { filter, isTokenCall } from '../core/index.ts'
import { type Chunk, charactersIn, usageOf } from '../openai/index.ts'
import { textBytesOf } from './needs.ts'
import type { Errands } from './record.ts'
import { withModel } from './turns.ts'

/** Tokens of a prompt and of its answer. */
export interface TokenCount {
  readonly in: number
  readonly out: number
}

/** How a call went, as far as its price goes. */
export type PricedOutcome = Pick<Outcome, 'usage' | 'servedBy' | 'units' | 'route' | 'elsewhere'>

/** What calls cost in millionths of a dollar; 0 where no price is known. */
export interface Pricing {
  /** With the dearest of those that may be asked. */
  readonly atMost: (call: Call, tokens: TokenCount) => bigint
  readonly of: (call: Call, outcome: PricedOutcome) => bigint
}

export interface LimitedOptions {
  readonly limits: Limits
  readonly pricing: Pricing
  /** Set aside for an answer whose length the request does not bound; 1,000 when missing. */
  readonly answerTokens?: number
  /** What becomes of a call before it is asked of a model; the call itself when missing. */
  readonly asked?: (call: Call, principal: Principal) => Promise<Call> | Call
}

const defaultAnswerTokens = 1_000
const bytesPerToken = 4

/**
 * Keeps a caller within its limits: what a call may take is set aside before it runs, and what it took is booked whatever
 * its end. A call that broke off is booked with what had arrived, one that was answered from the cache as a request alone.
 */
export function limited({ limits, pricing, asked, answerTokens = defaultAnswerTokens }: LimitedOptions): Filter {
  const realOf = async (call: Call, principal: Principal) => (await asked?.(call, principal)) ?? call
  /** The dearest of the models that may answer. */
  const atMost = async (call: Call, expected: TokenCount, { wishes, principal }: Context) => {
    let most = pricing.atMost(call, expected)
    for (const model of wishes?.models ?? []) {
      const other = pricing.atMost(await realOf(withModel(call, model), principal), expected)
      if (other > most) most = other
    }
    return most
  }
  return filter(async function* (inner, call, context) {
    const real = asked === undefined ? call : await realOf(call, context.principal)
    const expected = expectedTokens(real, answerTokens)
    const decision = await limits.admit({
      principal: context.principal,
      models: [call.body.model, ...(context.wishes?.models ?? [])],
      tokens: expected.in + expected.out,
      cost: await atMost(real, expected, context),
    })
    context.onLimits?.(decision.left)
    if (!decision.ok) throw decision.error
    if (!decision.isCounted) return yield* inner.run(call, context)
    const meter = createMeter(real, pricing, expected)
    try {
      const onRoute = (route: Route) => {
        meter.went(route)
        context.onRoute?.(route)
      }
      const reply = inner.run(call, { ...context, onRoute })
      try {
        for (;;) {
          const step = await reply.next()
          if (step.done === true) {
            meter.ended(step.value)
            return step.value
          }
          meter.saw(step.value)
          // Whoever has its whole answer may call again, and is not to find the last call still running.
          if (step.value.meta.isLast === true) decision.finish()
          yield step.value
        }
      } finally {
        await reply.return(undefined as never)
      }
    } finally {
      decision.settle(meter.taking())
    }
  })
}

/** Work that is no call to a model counts as a request, and is refused like one. */
export function limitedErrands(errands: Errands, limits: Limits): Errands {
  return (errand, work) =>
    errands(errand, async () => {
      const decision = await limits.admit({ principal: errand.principal, models: [], tokens: 0, cost: 0n })
      if (!decision.ok) throw decision.error
      try {
        return await work()
      } finally {
        decision.settle({ tokens: 0, cost: 0n })
      }
    })
}

function expectedTokens(call: Call, answerTokens: number): TokenCount {
  if (!isTokenCall(call)) return { in: 0, out: 0 }
  const prompt = Math.ceil(textBytesOf(call) / bytesPerToken)
  if (call.task === 'embedding') return { in: prompt, out: 0 }
  const { max_completion_tokens, max_tokens } = call.body as Readonly<Record<string, unknown>>
  const bound = Number(max_completion_tokens ?? max_tokens ?? answerTokens)
  return { in: prompt, out: bound * answersTo(call) }
}

/** How many are written: of a completion for each of its prompts, also those that are dropped for a better one. */
function answersTo(call: TokenCall): number {
  const each = Number((call.body as { n?: number | null }).n ?? 1)
  if (call.task !== 'completion') return each
  const { prompt, best_of } = call.body
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1
  return prompts * Math.max(each, Number(best_of ?? 1))
}

/** Counts what a call takes while it runs. */
function createMeter(call: Call, pricing: Pricing, expected: TokenCount) {
  let route: Route | undefined
  let outcome: PricedOutcome | undefined
  let promptTokens: number | undefined
  let answerTokens = 0
  let hasBegun = false
  const soFar = (): PricedOutcome => {
    const usage = hasBegun ? usageOf(promptTokens ?? expected.in, answerTokens) : usageOf(0, 0)
    const way = route === undefined ? {} : { route }
    return { usage, servedBy: route?.servedBy ?? '', ...way, ...(hasBegun && unitsBegun(call)) }
  }
  return {
    went: (way: Route) => {
      route = way
    },
    saw: (chunk: Chunk) => {
      hasBegun = true
      const usage = isTokenCall(call) ? chunk.usage() : undefined
      promptTokens = usage?.prompt_tokens ?? chunk.meta.promptTokens ?? promptTokens
      answerTokens = usage?.completion_tokens ?? answerTokens + (chunk.meta.outputTokens ?? chunk.count)
    },
    ended: (end: Outcome) => {
      outcome = end
    },
    taking: (): Taking => {
      const end = outcome ?? soFar()
      if (end.route?.isCached === true || end.route?.isShared === true) return { tokens: 0, cost: 0n }
      return { tokens: end.usage.total_tokens, cost: pricing.of(call, end) }
    },
  }
}

/** What was asked for all at once, and is owed as soon as any of it has come. */
export function unitsBegun(call: Call): Pick<Outcome, 'units'> {
  if (call.task !== 'speech') return {}
  const count = charactersIn(call.body.input)
  return count > 0 ? { units: { unit: 'characters', count } } : {}
}
