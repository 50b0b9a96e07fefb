import type { Call, Outcome, ParleyError } from '../core/index.ts'
import { type Chunk, encodeEvent, type Folder, hiddenUsage, type StreamOptions, usageAtEnd } from '../openai/index.ts'
import { type Reader, shown } from './exchange.ts'

/** How a caller sees an answer: its chunks, what stands behind them, a failure in their midst, and all of it in one body. */
export interface View {
  /** The bytes a chunk becomes; undefined for one the caller does not see. */
  chunk: (chunk: Chunk) => Uint8Array | undefined
  /** What ends a whole stream. The outcome is missing where the bookkeeping is still to come. */
  end: (outcome: Outcome | undefined) => Uint8Array
  /** What ends a stream that broke. */
  broken: (error: ParleyError) => Uint8Array
  folder: () => Folder
}

const done = encodeEvent('[DONE]')

function broken(error: ParleyError, reader: Reader): Uint8Array {
  return encodeEvent(JSON.stringify(shown(error, reader)))
}

/** What a peer sees: every chunk as it is, messages between nodes among them. */
export function peerView(folder: () => Folder): View {
  return { chunk: chunk => chunk.bytes, end: () => done, broken: error => broken(error, 'other'), folder }
}

/**
 * What an app sees. Usage is always asked from the backend; an app sees it only when it asked too. Messages between nodes
 * never reach an app, whatever a filter let through.
 */
export function appView({ body }: Call, folder: () => Folder): View {
  const options = (body as { stream_options?: StreamOptions | null }).stream_options
  const usage = options?.include_usage === true ? usageAtEnd() : hiddenUsage()
  return {
    chunk: chunk => (chunk.event === undefined ? usage.see(chunk)?.bytes : undefined),
    end: outcome => {
      const last = usage.last(outcome?.usage)
      return last === undefined ? done : Buffer.concat([last.bytes, done])
    },
    broken: error => broken(error, 'app'),
    folder,
  }
}
