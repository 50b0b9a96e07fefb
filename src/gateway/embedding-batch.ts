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

/** Said of all, it may be true of one alone: an input that is bad, or all together being more than a call may cost. */
const ofOneAlone: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'invalid_request',
  'context_length_exceeded',
  'too_large',
  'price_too_high',
])

/**
 * Asks at once. Where that is refused as such, each of the members asks again alone, so that nobody pays for, or reads
 * about, another one's input; any other failure is that of all. An answer that does not have one vector for each input is
 * thrown back at who gave it, which puts it on record as a failure; `onMisfit` is told, so that it is the last of its
 * kind, and each member asks once more, alone. Who leaves leaves alone; the last one ends the work.
 */
export function createEmbeddingBatch(
  inner: Backend,
  members: readonly Member[],
  onMisfit: () => void = () => {},
): EmbeddingBatch {
  const inputs = members.flatMap(({ call }) => inputsOf(call))
  const weights = inputs.map(({ length }) => length)
  const stop = new AbortController()
  const present = new Set(members)
  const bodies = Promise.withResolvers<Chunk[] | undefined>()
  const outcomes = Promise.withResolvers<Outcome[]>()
  bodies.promise.catch(alreadyTold)
  outcomes.promise.catch(alreadyTold)
  let misfit: ParleyError | undefined

  const take = async (reply: Reply) => {
    let step = await reply.next()
    while (step.done !== true) {
      const parts = step.value.event === undefined ? partsOf(step.value, weights) : undefined
      if (parts !== undefined) bodies.resolve(parts)
      else if (step.value.event === undefined) {
        misfit = misfitting(weights.length)
        onMisfit()
        await reply.throw(misfit)
        throw misfit
      }
      step = await reply.next()
    }
    bodies.resolve(undefined)
    outcomes.resolve(parted(step.value, weights))
  }
  const run = async () => {
    const reply = inner.run(joined(members, inputs), contextFor(members, stop.signal))
    try {
      await take(reply)
    } catch (cause) {
      const error = ParleyError.from(cause, stop.signal)
      if (misfit !== undefined || ofOneAlone.has(error.code)) bodies.resolve(undefined)
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

/** In the name of the first: what they may cost, and everything else about them, is the same. */
function contextFor(members: readonly Member[], signal: AbortSignal): Context {
  const { context } = members[0]!
  const onRoute = (route: Route) => {
    for (const member of members) member.context.onRoute?.(route)
  }
  return { ...context, signal, onRoute }
}

function misfitting(inputs: number): ParleyError {
  return new ParleyError(
    'backend_failed',
    `the answer to ${inputs} inputs does not have one vector for each; they are asked for one by one`,
  )
}

interface Vector {
  readonly index?: unknown
  readonly embedding?: unknown
}

interface Body {
  readonly data?: unknown
  readonly usage?: Partial<Usage>
}

/** The answer as many answers, in the order of the inputs; undefined for one that is no answer to all of them. */
function partsOf(chunk: Chunk, weights: readonly number[]): Chunk[] | undefined {
  const { data, usage, ...head } = bodyOf(chunk)
  const vectors = inOrder(data, weights.length)
  if (vectors === undefined) return undefined
  const tokens = isCounted(usage) ? usageShares(usage, weights) : undefined
  const meta = chunk.meta.isLast === true ? { isLast: true } : {}
  return vectors.map((vector, at) => {
    const own = tokens === undefined ? {} : { usage: { prompt_tokens: tokens[at], total_tokens: tokens[at] } }
    return Chunk.of({ ...head, data: [{ ...vector, index: 0 }], ...own }, meta)
  })
}

function bodyOf(chunk: Chunk): Body {
  try {
    return (chunk.json() ?? {}) as Body
  } catch {
    return {}
  }
}

/** One vector for each input, each under a number of its own or all of them without: else one could be another's. */
function inOrder(data: unknown, count: number): Vector[] | undefined {
  if (!Array.isArray(data) || data.length !== count) return undefined
  const vectors = data as (Vector | null)[]
  if (vectors.some(vector => vector?.embedding == null)) return undefined
  if (vectors.every(vector => vector?.index === undefined)) return vectors as Vector[]
  const placed = new Map(vectors.map(vector => [vector?.index, vector as Vector]))
  const ordered = Array.from({ length: count }, (_, at) => placed.get(at))
  return ordered.includes(undefined) ? undefined : (ordered as Vector[])
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
