import type { Backend, Call, Context, ErrorCode, Outcome, Reply, Route } from '../core/index.ts'
import { abortable, ParleyError } from '../core/index.ts'
import { Chunk, type Usage, usageOf } from '../openai/index.ts'

export type EmbeddingCall = Extract<Call, { task: 'embedding' }>

/** Several embeddings asked as one. */
export interface EmbeddingBatch {
  /** The part of the answer that belongs to one of its members. */
  follow: (at: number) => Reply
  /** Resolves when the answer has come to its end. */
  readonly over: Promise<void>
}

interface Member {
  readonly call: EmbeddingCall
  readonly context: Context
}

/** What a caller can mend: said of all, it may be the fault of one. */
const callersFaults: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'invalid_request',
  'context_length_exceeded',
  'too_large',
])

/**
 * Asks at once. Where that is refused as such, each of the members asks again alone, so that nobody pays for, or reads
 * about, another one's input; any other failure is that of all. Who leaves leaves alone; the last one ends the work.
 */
export function createEmbeddingBatch(inner: Backend, members: readonly Member[]): EmbeddingBatch {
  const inputs = members.flatMap(({ call }) => inputsOf(call))
  const weights = inputs.map(({ length }) => length)
  const stop = new AbortController()
  const present = new Set(members)
  const bodies = Promise.withResolvers<Chunk[] | undefined>()
  const outcomes = Promise.withResolvers<Outcome[]>()
  bodies.promise.catch(alreadyTold)
  outcomes.promise.catch(alreadyTold)

  const run = async () => {
    const reply = inner.run(joined(members, inputs), contextFor(members, stop.signal))
    try {
      let step = await reply.next()
      for (; step.done !== true; step = await reply.next()) {
        if (step.value.event === undefined) bodies.resolve(partsOf(step.value, weights))
      }
      bodies.resolve(undefined)
      outcomes.resolve(parted(step.value, weights))
    } catch (cause) {
      const error = ParleyError.from(cause, stop.signal)
      if (callersFaults.has(error.code)) bodies.resolve(undefined)
      bodies.reject(error)
      outcomes.reject(error)
    } finally {
      await reply.return(undefined as never).catch(alreadyTold)
    }
  }
  const leave = (member: Member) => {
    present.delete(member)
    if (present.size === 0) stop.abort(new ParleyError('cancelled', 'all callers went away'))
  }
  return {
    over: run(),
    follow: async function* (at) {
      const member = members[at]!
      const { call, context } = member
      try {
        const parts = await abortable(bodies.promise, context.signal)
        if (parts !== undefined) {
          yield parts[at]!
          return (await abortable(outcomes.promise, context.signal))[at]!
        }
      } finally {
        leave(member)
      }
      return yield* inner.run(call, context)
    },
  }
}

/** What is asked for, as a list of texts or of tokens. */
export function inputsOf({ body: { input } }: EmbeddingCall): (string | number[])[] {
  return typeof input === 'string' || typeof input[0] === 'number' ? [input as string | number[]] : (input as string[])
}

/** Each who waits for it is told. */
function alreadyTold(): void {}

function joined([first]: readonly Member[], inputs: (string | number[])[]): EmbeddingCall {
  return { task: 'embedding', body: { ...first!.call.body, input: inputs as string[] } }
}

/** In the name of the first; each may cost what it may cost alone. */
function contextFor(members: readonly Member[], signal: AbortSignal): Context {
  const { context } = members[0]!
  const onRoute = (route: Route) => {
    for (const member of members) member.context.onRoute?.(route)
  }
  const maxPrice = context.maxPrice === undefined ? {} : { maxPrice: context.maxPrice * BigInt(members.length) }
  return { ...context, ...maxPrice, signal, onRoute }
}

interface Body {
  data?: { index?: number }[]
  usage?: Partial<Usage>
}

/** The answer as many answers, in the order of the inputs; undefined for one that is no answer to all of them. */
function partsOf(chunk: Chunk, weights: readonly number[]): Chunk[] | undefined {
  const { data, usage, ...head } = (chunk.json() ?? {}) as Body
  if (!Array.isArray(data) || data.length !== weights.length) return undefined
  const vectors = data.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0))
  const tokens = isCounted(usage) ? usageShares(usage, weights) : undefined
  const meta = chunk.meta.isLast === true ? { isLast: true } : {}
  return vectors.map((vector, at) => {
    const own = tokens === undefined ? {} : { usage: { prompt_tokens: tokens[at], total_tokens: tokens[at] } }
    return Chunk.of({ ...head, data: [{ ...vector, index: 0 }], ...own }, meta)
  })
}

/** What is no whole number cannot be shared; the answers then say nothing of it. */
function isCounted(usage: Partial<Usage> | null | undefined): usage is Partial<Usage> {
  const counts = [usage?.prompt_tokens, usage?.total_tokens].filter(count => count !== undefined)
  return counts.length > 0 && counts.every(count => Number.isSafeInteger(count) && count >= 0)
}

function usageShares({ prompt_tokens = 0, total_tokens = prompt_tokens }: Partial<Usage>, weights: readonly number[]) {
  return shares(BigInt(prompt_tokens || total_tokens), weights).map(Number)
}

/** What it took and cost, by the length of the inputs; the receipt, which is for all, goes to the first. */
function parted({ cost, receipt, usage, ...outcome }: Outcome, weights: readonly number[]): Outcome[] {
  const tokens = usageShares(usage, weights)
  const costs = cost === undefined ? undefined : shares(cost, weights)
  return weights.map((_, at) => ({
    ...outcome,
    usage: usageOf(tokens[at]!, 0),
    ...(costs !== undefined && { cost: costs[at]! }),
    ...(at === 0 && receipt !== undefined && { receipt }),
  }))
}

/** Parts in proportion to their weights that sum to the whole exactly. None is 0 where there is enough for all. */
function shares(whole: bigint, weights: readonly number[]): bigint[] {
  const parts = proportional(whole, weights)
  const free = whole - BigInt(weights.length)
  return free < 0n || !parts.includes(0n) ? parts : proportional(free, weights).map(part => part + 1n)
}

function proportional(whole: bigint, weights: readonly number[]): bigint[] {
  const all = BigInt(weights.reduce((sum, weight) => sum + weight, 0))
  let sum = 0n
  let given = 0n
  return weights.map(weight => {
    sum += BigInt(weight)
    const upTo = (whole * sum) / all
    const part = upTo - given
    given = upTo
    return part
  })
}
