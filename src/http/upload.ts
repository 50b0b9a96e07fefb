import type { IncomingMessage } from 'node:http'
import { ParleyError } from '../core/index.ts'
import { inTime } from './in-time.ts'

export interface UploadLimits {
  readonly maxBytes: number
  /** Time for the whole upload to arrive. */
  readonly timeoutMs: number
}

/** Read and thrown away beyond the limit, so that whoever sends a little too much hears why. */
const discardedBytesMax = 64 * 1024 * 1024

/** Reads an upload into memory. Throws `too_large`, `timeout` or `cancelled`. */
export async function readUpload(
  request: IncomingMessage,
  { maxBytes, timeoutMs }: UploadLimits,
  signal: AbortSignal,
): Promise<Buffer<ArrayBuffer>> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > maxBytes + discardedBytesMax) throw tooLarge(maxBytes)
  return await inTime(collect(request, maxBytes), timeoutMs, signal)
}

function collect(request: IncomingMessage, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer<ArrayBuffer>>()
  let pieces: Buffer[] = []
  let size = 0
  request.on('data', (piece: Buffer) => {
    size += piece.length
    if (size <= maxBytes) pieces.push(piece)
    else pieces = []
    if (size > maxBytes + discardedBytesMax) {
      request.pause()
      reject(tooLarge(maxBytes))
    }
  })
  request.once('end', () => (size > maxBytes ? reject(tooLarge(maxBytes)) : resolve(Buffer.concat(pieces, size))))
  request.once('error', cause => reject(new ParleyError('cancelled', 'the caller broke off its upload', { cause })))
  return promise
}

function tooLarge(maxBytes: number): ParleyError {
  return new ParleyError('too_large', `the upload is larger than ${maxBytes} bytes; send a smaller file or split it`)
}

/** Memory for uploads that are held until they are answered, as another server may have to get them again. */
export interface UploadRoom {
  /** Takes room for a request's body and gives it back when the work is over. Throws `overloaded` when there is none. */
  readonly hold: <T>(request: IncomingMessage, maxBytes: number, work: () => Promise<T>) => Promise<T>
}

export function createUploadRoom(totalBytes: number): UploadRoom {
  let heldBytes = 0
  return {
    hold: async (request, maxBytes, work) => {
      const declared = Number(request.headers['content-length'] ?? maxBytes)
      const bytes = Math.min(declared, maxBytes)
      if (heldBytes + bytes > totalBytes) {
        const message = 'too many uploads are under way; try again soon'
        throw new ParleyError('overloaded', message, { retryAfterSeconds: 1 })
      }
      heldBytes += bytes
      try {
        return await work()
      } finally {
        heldBytes -= bytes
      }
    },
  }
}
