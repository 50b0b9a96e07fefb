import { Duplex } from 'node:stream'
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { BrokenStreamError } from './broken-stream.ts'
import { IdleTimer } from './idle-timer.ts'
import { WriteBatch } from './write-batch.ts'

/** The most that is handed to libp2p at once: one yamux frame in one Noise message. */
const sliceBytes = 63 * 1024
/** How long a stream both sides of which we are done with may wait for the peer's end. */
const lingerMs = 2_000

export interface StreamDuplexOptions {
  readonly remoteAddress?: string
  readonly remotePort?: number
  /** A write or an end the peer makes no room for is cut after this long. */
  readonly stallTimeoutMs?: number
  /** Told every byte that passes, for counters. */
  readonly onBytes?: (read: number, written: number) => void
}

/**
 * A libp2p stream as a `node:stream` Duplex that looks enough like a `net.Socket` for `node:http` and `undici`. The only
 * place that touches a raw stream, because three things in libp2p 3 break back-pressure: `onDrain()` resolves once and
 * then always at once, async iteration buffers without a bound, and a `pause()` inside a `message` handler is undone by the
 * `resume()` that delivered the message. So the writer waits for the `drain` event itself, and the reader pauses from a
 * microtask. What is written in one tick leaves as one send, for each send costs a yamux and a Noise frame.
 */
export class StreamDuplex extends Duplex {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly remoteFamily = 'libp2p'
  readonly connecting = false
  readonly pending = false
  bytesRead = 0
  bytesWritten = 0
  timeout = 0

  readonly #stream: Stream
  readonly #stallTimeoutMs: number
  readonly #onBytes: ((read: number, written: number) => void) | undefined
  readonly #idle = new IdleTimer(() => this.emit('timeout'))
  readonly #stall = new IdleTimer(() => this.destroy(new BrokenStreamError('ETIMEDOUT', 'the peer stopped reading')))
  readonly #batch = new WriteBatch(sliceBytes)
  #held: (() => void) | undefined
  #isFlushScheduled = false
  #isBlocked = false
  #isWanted = false
  #hasEnded = false
  #isEndPushed = false
  #isClosing = false
  #linger: NodeJS.Timeout | undefined

  constructor(stream: Stream, options: StreamDuplexOptions = {}) {
    super({ allowHalfOpen: true, emitClose: true, decodeStrings: true })
    this.#stream = stream
    this.#stallTimeoutMs = options.stallTimeoutMs ?? 30_000
    this.#onBytes = options.onBytes
    this.remoteAddress = options.remoteAddress
    this.remotePort = options.remotePort
    this.#hasEnded = stream.remoteWriteStatus !== 'writable'
    stream.addEventListener('remoteCloseWrite', this.#onRemoteEnd)
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('message', this.#onMessage)
    if (stream.status === 'reset' || stream.status === 'aborted') this.destroy(connectionReset())
  }

  /** Bytes held for this stream on this side, in both directions. */
  get bufferedBytes(): number {
    const stream = this.#stream
    return (
      this.readableLength + this.writableLength + this.#batch.bytes + stream.readBufferLength + stream.writeBufferLength
    )
  }

  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  /** Emits `timeout` after `ms` without a byte either way; 0 ends the watch. Like a socket, it does not close by itself. */
  setTimeout(ms: number, listener?: () => void): this {
    this.timeout = ms
    this.#idle.watch(ms)
    if (listener) {
      if (ms === 0) this.removeListener('timeout', listener)
      else this.once('timeout', listener)
    }
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  address(): Record<string, never> {
    return {}
  }

  /** Closes once everything written has left. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  override _read(): void {
    this.#isWanted = true
    if (this.#stream.readStatus === 'paused') this.#resume()
    this.#endWhenRead()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#batch.add(chunk)
    this.#schedule(done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.#batch.add(chunk)
    this.#schedule(done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#held = () => this.#closeWrite(done)
    this.#flush()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#idle.stop()
    this.#stall.stop()
    const stream = this.#stream
    if (stream.status === 'open' || stream.status === 'closing') {
      if (isRefusal(error) && stream.writeStatus === 'writable') this.#sayLast()
      else if (error !== null || !this.writableFinished) stream.abort(error ?? new Error('destroyed'))
      else if (!this.#hasEnded) this.#lingerThenAbort()
    }
    this.#batch.clear()
    done(error)
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    if (this.destroyed || this.#isEndPushed) return
    this.#idle.touch()
    this.bytesRead += event.data.byteLength
    this.#onBytes?.(event.data.byteLength, 0)
    for (const bytes of event.data instanceof Uint8Array ? [event.data] : event.data) {
      this.#isWanted = this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    }
    if (!this.#isWanted) queueMicrotask(this.#pauseUnlessWanted)
    this.#endWhenRead()
  }

  readonly #pauseUnlessWanted = (): void => {
    if (!this.#isWanted && this.#stream.readStatus === 'readable' && this.#stream.status === 'open')
      this.#stream.pause()
  }

  #resume(): void {
    try {
      this.#stream.resume()
    } catch (cause) {
      // After the connection is gone there is nobody to send a window update to; the buffered bytes were delivered.
      if (this.#stream.status === 'open') this.destroy(new BrokenStreamError('EPIPE', 'cannot read on', { cause }))
    }
  }

  readonly #onRemoteEnd = (): void => {
    this.#hasEnded = true
    this.#idle.touch()
    queueMicrotask(this.#endWhenRead)
  }

  readonly #endWhenRead = (): void => {
    if (!this.#hasEnded || this.#isEndPushed || this.destroyed || this.#stream.readBufferLength > 0) return
    this.#isEndPushed = true
    this.push(null)
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    clearTimeout(this.#linger)
    if (this.destroyed) return
    if (this.#hasEnded && (this.#isClosing || this.writableFinished)) queueMicrotask(this.#endWhenRead)
    else this.destroy(connectionReset(event.error))
  }

  /** Accepts a write at once while the batch is small; a full batch, or a peer without room, holds the writer. */
  #schedule(done: () => void): void {
    if (this.#batch.isFull || this.#isBlocked) {
      this.#held = done
      if (!this.#isBlocked) this.#flush()
      return
    }
    done()
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    process.nextTick(() => {
      this.#isFlushScheduled = false
      if (!this.#isBlocked) this.#flush()
    })
  }

  #flush(): void {
    try {
      while (this.#batch.bytes > 0 && !this.destroyed) {
        if (this.#stream.writableNeedsDrain) {
          this.#block()
          return
        }
        this.#send(this.#batch.take())
      }
    } catch (cause) {
      this.destroy(new BrokenStreamError('EPIPE', 'the stream is closed for writing', { cause }))
    }
    const held = this.#held
    this.#held = undefined
    if (!this.destroyed) held?.()
  }

  #send(bytes: Uint8Array): void {
    this.#stream.send(bytes)
    this.#idle.touch()
    this.bytesWritten += bytes.byteLength
    this.#onBytes?.(0, bytes.byteLength)
  }

  #block(): void {
    this.#isBlocked = true
    this.#stall.watch(this.#stallTimeoutMs)
  }

  // libp2p tries its own queue in a microtask after `drain` and may fill up again: look after that.
  readonly #onDrain = (): void => {
    queueMicrotask(() => {
      if (!this.#isBlocked || this.destroyed) return
      this.#stall.touch()
      if (this.#stream.writableNeedsDrain) return
      this.#isBlocked = false
      this.#stall.stop()
      this.#flush()
    })
  }

  #closeWrite(done: (error?: Error | null) => void): void {
    this.#isClosing = true
    this.#stall.watch(this.#stallTimeoutMs)
    this.#stream.close().then(
      () => {
        this.#stall.stop()
        done()
      },
      cause => done(new BrokenStreamError('EPIPE', 'the stream closed before everything was sent', { cause })),
    )
  }

  #sayLast(): void {
    while (this.#batch.bytes > 0) this.#send(this.#batch.take())
    this.#lingerThenAbort()
    void this.#stream.close().catch(cause => this.#stream.abort(cause))
  }

  // A reset right behind the end could overtake what the peer has not read yet, so its end is awaited for a while.
  #lingerThenAbort(): void {
    void this.#stream.closeRead()
    this.#linger = setTimeout(() => this.#stream.abort(new Error('the peer did not end')), lingerMs)
    this.#linger.unref()
  }
}

/** `node:http` writes its answer to a malformed request and destroys the socket in one breath: the answer must leave. */
function isRefusal(error: NodeJS.ErrnoException | null): boolean {
  return error?.code !== undefined && /^HPE_|^ERR_HTTP_REQUEST_TIMEOUT$/.test(error.code)
}

function connectionReset(cause?: unknown): BrokenStreamError {
  return new BrokenStreamError('ECONNABORTED', 'the peer cut the stream', { cause })
}
