import type { Context, Outcome, Reply, Route } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'

/** One answer on its way to several readers. */
export interface Flight {
  /** The answer from its first chunk, for one more reader. */
  follow: (context: Context) => Reply
}

export interface FlightOptions {
  readonly bufferBytes: number
  /** Called once, when nobody may join any more. */
  readonly close: () => void
}

interface Reader {
  /** Index of the chunk it reads next. */
  at: number
  /** Ends its wait, if it waits. */
  wake: () => void
  readonly onRoute: Context['onRoute']
}

/** What is told to those for whom it is not counted: another one of them is. */
const shared = { isShared: true } as const

type End = { outcome: Outcome } | { error: ParleyError }

/**
 * Chunks are asked for when a reader has none left, so that slow readers slow the far end: nobody is more than the buffer
 * behind anybody else. While all chunks are still held, and more are to come, one more may join.
 */
export function createFlight(
  start: (flying: Pick<Context, 'signal' | 'onRoute'>) => Reply,
  { bufferBytes, close }: FlightOptions,
): Flight {
  const readers = new Set<Reader>()
  const stop = new AbortController()
  const held: Chunk[] = []
  let first = 0
  let heldBytes = 0
  let isClosed = false
  let isPulling = false
  /** Whether a reader waits for a chunk that nobody has read yet. */
  let isWanted = false
  let isBooked = false
  let end: End | undefined
  let route: Route | undefined
  /** For whom it is counted: the first, and after one that leaves the next. */
  let payer: Reader | undefined

  const show = (reader: Reader) => {
    if (route !== undefined) reader.onRoute?.(reader === payer ? route : { ...route, ...shared })
  }
  const onRoute = (taken: Route) => {
    route = taken
    for (const reader of readers) show(reader)
  }
  const reply = start({ signal: stop.signal, onRoute })

  const shut = () => {
    if (!isClosed) close()
    isClosed = true
  }
  const wakeAll = () => {
    for (const reader of readers) reader.wake()
  }
  const trim = () => {
    if (!isClosed) return
    const slowest = Math.min(...[...readers].map(({ at }) => at))
    for (; held.length > 0 && first < slowest; first++) heldBytes -= held.shift()!.bytes.length
  }
  const finish = (how: End) => {
    end = how
    shut()
  }
  const pull = () => {
    trim()
    if (isPulling || end !== undefined || heldBytes > bufferBytes) return
    isPulling = true
    void reply
      .next()
      .then(
        step => {
          if (step.done === true) return finish({ outcome: step.value })
          isWanted = false
          held.push(step.value)
          heldBytes += step.value.bytes.length
          if (heldBytes > bufferBytes || step.value.meta.isLast === true) shut()
        },
        cause => finish({ error: ParleyError.from(cause, stop.signal) }),
      )
      .then(() => {
        isPulling = false
        wakeAll()
      })
  }
  /** Resolves when there may be something new. */
  const change = (reader: Reader): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    reader.wake = resolve
    isWanted = true
    pull()
    return promise
  }
  /** Whoever stays has all of it, and is counted for all of it. */
  const handOver = (reader: Reader) => {
    const [next] = readers
    if (reader !== payer || isBooked || next === undefined) return
    payer = next
    show(reader)
    show(next)
  }
  const leave = async (reader: Reader, signal: AbortSignal) => {
    readers.delete(reader)
    handOver(reader)
    if (readers.size > 0) return isWanted ? pull() : undefined
    shut()
    if (end !== undefined) return
    stop.abort(signal.aborted ? signal.reason : new ParleyError('cancelled', 'the reader left'))
    await reply.return(undefined as never).catch(alreadyTold)
  }
  return {
    follow: async function* ({ signal, onRoute }) {
      const reader: Reader = { at: 0, wake: () => {}, onRoute }
      const wake = () => reader.wake()
      readers.add(reader)
      payer ??= reader
      signal.addEventListener('abort', wake, { once: true })
      show(reader)
      try {
        for (;;) {
          if (signal.aborted) throw ParleyError.from(signal.reason, signal)
          const chunk = held[reader.at - first]
          if (chunk !== undefined) {
            reader.at++
            if (isWanted) pull()
            yield chunk
          } else if (end === undefined) await change(reader)
          else if ('error' in end) throw end.error
          else {
            if (reader !== payer) return countedElsewhere(end.outcome)
            isBooked = true
            return end.outcome
          }
        }
      } finally {
        signal.removeEventListener('abort', wake)
        await leave(reader, signal)
      }
    },
  }
}

function countedElsewhere({ cost, receipt, elsewhere, route, ...free }: Outcome): Outcome {
  return route === undefined ? free : { ...free, route: { ...route, ...shared } }
}

/** The one who left last heard nothing of it, and need not. */
function alreadyTold(): void {}
