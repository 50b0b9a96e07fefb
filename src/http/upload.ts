import type { IncomingMessage, ServerResponse } from 'node:http'
import { ParleyError } from '../core/index.ts'
import { inTime } from './in-time.ts'

export interface UploadLimits {
  readonly maxBytes: number
  /** Time for the whole upload to arrive. */
  readonly timeoutMs: number
}

/** Read and thrown away beyond the limit, so that whoever sends a little too much hears why. */
const discardedBytesMax = 64 * 1024 * 1024

/** Reads an upload into memory. Throws `too_large`, `too_slow` or `cancelled`. */
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
  const declared = Number(request.headers['content-length'])
  const kept = declared <= maxBytes ? inPlace(declared) : inPieces()
  let size = 0
  request.on('data', (piece: Buffer) => {
    size += piece.length
    if (size <= maxBytes) kept.add(piece)
    else kept.drop()
    if (size > maxBytes + discardedBytesMax) {
      request.pause()
      reject(tooLarge(maxBytes))
    }
  })
  request.once('end', () => (size > maxBytes ? reject(tooLarge(maxBytes)) : resolve(kept.whole())))
  request.once('error', cause => reject(new ParleyError('cancelled', 'the caller broke off its upload', { cause })))
  return promise
}

interface Kept {
  readonly add: (piece: Buffer) => void
  readonly drop: () => void
  readonly whole: () => Buffer<ArrayBuffer>
}

/** A body whose length is known goes where it stays: collected first, it would be there twice when it is whole. */
function inPlace(length: number): Kept {
  const body = Buffer.allocUnsafeSlow(length)
  let size = 0
  return {
    add: piece => {
      size += piece.copy(body, size)
    },
    drop: () => {},
    whole: () => body.subarray(0, size),
  }
}

function inPieces(): Kept {
  let pieces: Buffer[] = []
  return {
    add: piece => void pieces.push(piece),
    drop: () => {
      pieces = []
    },
    whole: () => Buffer.concat(pieces),
  }
}

function tooLarge(maxBytes: number): ParleyError {
  return new ParleyError('too_large', `the upload is larger than ${maxBytes} bytes; send a smaller file or split it`)
}

/** Memory for uploads that are held until they are answered, as another server may have to get them again. */
export interface UploadRoom {
  /**
   * Takes room for a request's body and gives it back when the work is over. Throws `overloaded` when there is none, or when
   * this owner has its share: one caller must leave room for others.
   */
  readonly hold: <T>(request: IncomingMessage, owner: string, maxBytes: number, work: () => Promise<T>) => Promise<T>
  /** Takes room until the answer is gone, sent or not: whoever reads slowly holds what is sent. Throws as `hold` does. */
  readonly holdUntilSent: (response: ServerResponse, owner: string, bytes: number) => void
}

const shares = 4

export function createUploadRoom(totalBytes: number, ownerBytes = totalBytes / shares): UploadRoom {
  const held = new Map<string, number>()
  let heldBytes = 0
  const take = (owner: string, bytes: number) => {
    heldBytes += bytes
    const own = (held.get(owner) ?? 0) + bytes
    if (own === 0) held.delete(owner)
    else held.set(owner, own)
  }
  const takeIfFree = (owner: string, bytes: number) => {
    if (heldBytes + bytes > totalBytes || (held.get(owner) ?? 0) + bytes > ownerBytes) {
      const message = 'too much is under way; try again soon'
      throw new ParleyError('overloaded', message, { retryAfterSeconds: 1 })
    }
    take(owner, bytes)
  }
  return {
    holdUntilSent: (response, owner, bytes) => {
      takeIfFree(owner, bytes)
      if (response.destroyed) take(owner, -bytes)
      else response.once('close', () => take(owner, -bytes))
    },
    hold: async (request, owner, maxBytes, work) => {
      const declared = Number(request.headers['content-length'] ?? maxBytes)
      const bytes = Math.min(declared, maxBytes)
      takeIfFree(owner, bytes)
      try {
        return await work()
      } finally {
        take(owner, -bytes)
      }
    },
  }
}
