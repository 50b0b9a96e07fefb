import type { Context, Outcome, Reply } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk } from '../openai/index.ts'
import { withId } from './cache-bytes.ts'
import type { CacheChunk, CacheEntry, CacheOutcome } from './cache-entry.ts'

/** An answer that is told once more, under an id of its own. */
export interface Replay {
  readonly chunks: readonly Chunk[]
  readonly outcome: Outcome
}

const uuidLength = 32

/** Undefined for an entry whose events are none. `model` stands in where the entry does not say who answered. */
export function createReplay(
  { head, bytes: kept }: CacheEntry,
  { uuid, model, takesRuns }: { uuid: string; model: string; takesRuns: boolean },
): Replay | undefined {
  const { id, chunks, outcome } = head
  const bytes = withId(kept, id, `${id.slice(0, -uuidLength)}${uuid}`)
  try {
    let start = 0
    const told = chunks.flatMap(chunk => {
      const end = chunk.ends.at(-1)!
      const own = chunkOf(chunk, bytes.subarray(start, end), start)
      start = end
      return takesRuns ? [own] : [...own.parts()]
    })
    return { chunks: told, outcome: outcomeOf(outcome, model) }
  } catch {
    return undefined
  }
}

function chunkOf({ ends, isRaw, isLast, contentType }: CacheChunk, bytes: Buffer, start: number): Chunk {
  const meta = { ...(isLast && { isLast }), ...(contentType !== undefined && { contentType }) }
  if (isRaw && isLast && contentType?.startsWith('application/json')) {
    return Chunk.raw(bytes, meta, JSON.parse(bytes.toString('utf8')))
  }
  if (isRaw) return Chunk.raw(bytes, meta)
  if (ends.length === 1) return Chunk.relayed(bytes, meta)
  return Chunk.run(
    bytes,
    ends.map(end => end - start),
  )
}

/** Nobody is paid for it. Its usage is that of the answer. */
function outcomeOf({ model: servedModel, ...outcome }: CacheOutcome, model: string): Outcome {
  const way = { isFallback: false, attempts: 0, waitedMs: 0, isCached: true } as const
  return { ...outcome, route: { servedBy: outcome.servedBy, model: servedModel ?? model, ...way } }
}

/** Tells it as fast as it is read. */
export async function* replayed({ chunks, outcome }: Replay, { signal, onRoute }: Context): Reply {
  onRoute?.(outcome.route!)
  for (const chunk of chunks) {
    if (signal.aborted) throw ParleyError.from(signal.reason, signal)
    yield chunk
  }
  return outcome
}
