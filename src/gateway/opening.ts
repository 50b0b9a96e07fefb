import type { Call } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'

/** The beginning of an answer as long as it says nothing: roles, empty deltas, notes on progress. */
export interface Opening {
  /** Keeps a chunk that says nothing; false for the first word, and for all that comes when it holds enough. */
  holds: (chunk: Chunk) => boolean
  /** Gives back what it kept, once. */
  held: () => Chunk[]
}

const chunksMax = 64
const bytesMax = 256 * 1024

export function createOpening(call: Call): Opening {
  const held: Chunk[] = []
  let bytes = 0
  return {
    holds: chunk => {
      if (held.length >= chunksMax || bytes >= bytesMax || saysSomething(call, chunk)) return false
      held.push(chunk)
      bytes += chunk.bytes.length
      return true
    },
    held: () => held.splice(0),
  }
}

interface OpeningChunk {
  choices?: { delta?: Record<string, unknown> | null; text?: unknown; finish_reason?: unknown }[]
}

function saysSomething({ task }: Call, chunk: Chunk): boolean {
  if (task !== 'chat' && task !== 'completion') return true
  for (const part of chunk.parts()) if (isWord(parsed(part))) return true
  return false
}

function isWord({ choices }: OpeningChunk): boolean {
  return (choices ?? []).some(
    ({ delta, text, finish_reason }) =>
      finish_reason != null ||
      !isEmpty(text) ||
      Object.entries(delta ?? {}).some(([field, value]) => field !== 'role' && !isEmpty(value)),
  )
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

function parsed(chunk: Chunk): OpeningChunk {
  try {
    return (chunk.json() ?? {}) as OpeningChunk
  } catch (cause) {
    throw new ParleyError('backend_failed', 'the provider sent a chunk that is not JSON', { cause })
  }
}
