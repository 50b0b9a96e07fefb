import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { ParleyError } from '../core/index.ts'
import { encodeComment } from '../openai/index.ts'
import { breakOff } from './exchange.ts'

export interface SseWriterOptions {
  /** Milliseconds of silence after which a comment keeps the connection alive. */
  readonly heartbeatMs: number
  /** Milliseconds a reader may take to make room before it is cut off. */
  readonly stallMs: number
}

/**
 * Writes events so that all that are ready in the same tick leave together. The first leave at once; behind them, those of a
 * fast stream are gathered for a few milliseconds, because each packet costs both sides more than an event does.
 */
export interface SseWriter {
  /** Resolves at once while the reader keeps up, else when it has made room. Throws `timeout` for one that stalls. */
  write: (bytes: Uint8Array) => Promise<void> | undefined
  /** Sends what was written without waiting for more. */
  flush: () => void
  /** Sends what is written in this turn of the event loop when the turn ends. */
  flushSoon: () => void
  /** Sends these and ends. Nobody waits for a reader that is behind: the front bounds how long it may take. */
  end: (bytes?: Uint8Array) => void
  /** Stops timers; what was written before is sent. */
  close: () => void
}

const flushBytes = 16 * 1024
const gatherMs = 10
const heartbeat = encodeComment('ping')

export function createSseWriter(response: ServerResponse, options: SseWriterOptions): SseWriter {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  let scheduled: NodeJS.Immediate | undefined
  let gathering: NodeJS.Timeout | undefined
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  const flush = (): boolean => {
    clearImmediate(scheduled)
    scheduled = undefined
    if (pendingBytes === 0) return true
    const bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending, pendingBytes)
    pending = []
    pendingBytes = 0
    gathering ??= setTimeout(gathered, gatherMs)
    return response.write(bytes)
  }
  const gathered = () => {
    gathering = undefined
    if (!response.destroyed) flush()
  }
  const alive = setInterval(() => {
    if (!response.writableNeedDrain && pendingBytes === 0) response.write(heartbeat)
  }, options.heartbeatMs)
  return {
    write: bytes => {
      pending.push(bytes)
      pendingBytes += bytes.length
      alive.refresh()
      if (pendingBytes < flushBytes && !response.writableNeedDrain) {
        if (gathering === undefined) scheduled ??= setImmediate(flush)
        return undefined
      }
      return flush() ? undefined : drained(response, options.stallMs)
    },
    flush: () => void flush(),
    flushSoon: () => void (scheduled ??= setImmediate(flush)),
    end: bytes => {
      if (bytes !== undefined) {
        pending.push(bytes)
        pendingBytes += bytes.length
      }
      flush()
      response.end()
    },
    close: () => {
      clearInterval(alive)
      if (!response.destroyed) flush()
      clearTimeout(gathering)
    },
  }
}

/** Breaks off a response that is over and whose reader takes no byte of the rest for so long. */
export function endInTime(response: ServerResponse, stallMs: number): void {
  const { socket } = response
  if (response.writableFinished || response.destroyed || socket === null) return
  if (socket instanceof Socket) {
    // It counts the bytes that the system takes, also of a body that was written at once.
    response.setTimeout(stallMs, () => breakOff(response))
    // The next request on this connection has bounds of its own.
    response.prependOnceListener('finish', () => socket.setTimeout(0))
    return
  }
  let left = response.writableLength
  const timer = setInterval(() => {
    if (response.writableLength >= left) response.destroy()
    left = response.writableLength
  }, stallMs)
  response.once('close', () => clearInterval(timer))
}

export async function drained(response: ServerResponse, stallMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(
    () => reject(new ParleyError('timeout', `the caller read nothing for ${stallMs} ms`)),
    stallMs,
  )
  response.once('drain', resolve).once('close', resolve)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    response.off('drain', resolve).off('close', resolve)
  }
}
