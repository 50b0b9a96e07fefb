import type { Backend, Call, Context, Filter, Reply } from '../core/index.ts'
import { filter, ParleyError } from '../core/index.ts'
import { callKey } from './call-key.ts'
import { createEmbeddingBatch, type EmbeddingCall, inputsOf } from './embedding-batch.ts'

export interface JoinedEmbeddingsOptions {
  /** How long a call waits for company while another one runs; 10 when missing. */
  readonly windowMs?: number
  /** Inputs of one call at the most; 64 when missing. */
  readonly inputsMax?: number
}

/**
 * Embeddings of one input each, of the same caller for the same model and form, are asked together. The first goes at
 * once; those that come while it runs gather for a moment and go as one call. Each has an answer of its own. A call with
 * a limit of its price goes alone: what it costs would hang on the others. So do all of a model whose joint answer was
 * wrong, for a while.
 */
export function joinedEmbeddings({ windowMs = 10, inputsMax = 64 }: JoinedEmbeddingsOptions = {}): Filter {
  const lanes = new Map<string, Lane>()
  const apart = createApart()
  const join = async function* (inner: Backend, call: EmbeddingCall, context: Context): Reply {
    const key = laneKey(call, context)
    let lane = lanes.get(key)
    if (lane === undefined) {
      const onMisfit = () => apart.add(call.body.model)
      lane = createLane(inner, { windowMs, inputsMax, onMisfit, onIdle: () => void lanes.delete(key) })
      lanes.set(key, lane)
    }
    return yield* lane.run(call, context)
  }
  const isJoined = (call: Call, { maxPrice }: Context): call is EmbeddingCall =>
    maxPrice === undefined && isSingle(call) && !apart.has(call.body.model)
  return filter((inner, call, context) =>
    isJoined(call, context) ? join(inner, call, context) : inner.run(call, context),
  )
}

const apartMs = 600_000
const apartMax = 1_000

/** Models whose inputs are not joined for now. */
function createApart() {
  const until = new Map<string, number>()
  return {
    has: (model: string) => (until.get(model) ?? 0) > performance.now(),
    add: (model: string) => {
      if (until.size >= apartMax) until.delete(until.keys().next().value!)
      until.set(model, performance.now() + apartMs)
    },
  }
}

/** Longer ones gain nothing by company. */
const inputLengthMax = 32 * 1024

function isSingle(call: Call): call is EmbeddingCall {
  if (call.task !== 'embedding') return false
  const inputs = inputsOf(call)
  return inputs.length === 1 && inputs[0]!.length <= inputLengthMax
}

/** Texts and tokens do not go together. */
function laneKey(call: EmbeddingCall, context: Context): string {
  const { input: _input, ...body } = call.body
  return callKey(call, context, { ...body, isText: typeof inputsOf(call)[0] === 'string' })
}

/** Calls that could be one: what is asked now, and who waits meanwhile. */
interface Lane {
  run: (call: EmbeddingCall, context: Context) => Reply
}

interface LaneOptions extends Required<JoinedEmbeddingsOptions> {
  /** Called when an answer to several did not fit them. */
  readonly onMisfit: () => void
  /** Called when nothing runs or waits any more. */
  readonly onIdle: () => void
}

interface Waiting {
  readonly call: EmbeddingCall
  readonly context: Context
  /** Ends its wait with its part of the call that it became a part of; undefined when it stayed alone. */
  readonly go: (part: (() => Reply) | undefined) => void
}

function createLane(inner: Backend, { windowMs, inputsMax, onMisfit, onIdle }: LaneOptions): Lane {
  let running = 0
  let waiting: Waiting[] = []
  let timer: NodeJS.Timeout | undefined
  let isApart = false

  const ended = () => {
    running--
    if (running > 0) return
    if (waiting.length > 0) depart()
    else onIdle()
  }
  const misfits = () => {
    isApart = true
    onMisfit()
  }
  /** All who wait go: one by itself, several together unless that went wrong. */
  const depart = () => {
    clearTimeout(timer)
    timer = undefined
    const going = waiting
    waiting = []
    if (going.length < 2 || isApart) {
      running += going.length
      for (const { go } of going) go(undefined)
      return
    }
    running++
    const batch = createEmbeddingBatch(inner, going, misfits)
    for (const [at, { go }] of going.entries()) go(() => batch.follow(at))
    void batch.over.then(ended)
  }
  /** Waits until the others are asked, or have an answer. Whoever is aborted goes out of the queue. */
  const company = async (call: EmbeddingCall, context: Context) => {
    const { signal } = context
    const { promise, resolve, reject } = Promise.withResolvers<(() => Reply) | undefined>()
    const own: Waiting = { call, context, go: resolve }
    const leave = () => {
      waiting = waiting.filter(other => other !== own)
      reject(ParleyError.from(signal.reason, signal))
    }
    signal.addEventListener('abort', leave, { once: true })
    waiting.push(own)
    timer ??= setTimeout(depart, windowMs)
    if (waiting.length >= inputsMax) depart()
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }
  return {
    run: async function* (call, context) {
      if (context.signal.aborted) throw ParleyError.from(context.signal.reason, context.signal)
      if (running > 0) {
        const part = await company(call, context)
        if (part !== undefined) return yield* part()
      } else running++
      try {
        return yield* inner.run(call, context)
      } finally {
        ended()
      }
    },
  }
}
