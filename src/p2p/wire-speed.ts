import type { ConnectionEncrypter, MessageStream, SecuredConnection, StreamMuxerFactory } from '@libp2p/interface'
import { WindowUpdates } from './window-updates.ts'

/** From here on a batch leaves at once: joining more saves nothing and would hide back-pressure. */
const batchBytesMax = 32 * 1024

/**
 * A muxer whose frames leave together when they are written together, window updates with whatever leaves next: each would
 * be a Noise message of its own.
 */
export function joiningFrames(factory: StreamMuxerFactory): StreamMuxerFactory {
  return {
    protocol: factory.protocol,
    createStreamMuxer: stream => factory.createStreamMuxer(joinSends(stream)),
  }
}

/** Noise with less around it: each message is one write to the socket, and the end of a packet is not an exception. */
export function swift(encrypter: ConnectionEncrypter): ConnectionEncrypter {
  return {
    protocol: encrypter.protocol,
    secureInbound: async (stream, options) => decodeQuietly(await encrypter.secureInbound(joinParts(stream), options)),
    secureOutbound: async (stream, options) =>
      decodeQuietly(await encrypter.secureOutbound(joinParts(stream), options)),
  }
}

/** libp2p's TCP transport writes every part of a message by itself: a system call and a packet for two bytes of length. */
function joinParts<T extends MessageStream>(stream: T): T {
  const sendNow = stream.send.bind(stream)
  stream.send = data => sendNow(data.subarray())
  return stream
}

type LengthDecoder = (bytes: { byteLength: number }) => number

const nothingLeft = new RangeError('no length yet')

/**
 * The Noise stream learns that a packet holds no further message from an exception thrown for every packet, and taking its
 * stack trace is dearer than decrypting the message: two fifths of a round trip. One made ahead costs nothing. Where a
 * release of libp2p looks different inside, everything stays as it is.
 */
function decodeQuietly<T extends SecuredConnection>(secured: T): T {
  const { decoder } = secured.connection as MessageStream & { decoder?: { lengthDecoder?: LengthDecoder } }
  const decodeLength = decoder?.lengthDecoder
  if (!decoder || !decodeLength) return secured
  decoder.lengthDecoder = bytes => {
    if (bytes.byteLength < 2) throw nothingLeft
    return decodeLength(bytes)
  }
  return secured
}

function joinSends(stream: MessageStream): MessageStream {
  const sendNow = stream.send.bind(stream)
  const updates = new WindowUpdates()
  let batch: Uint8Array[] = []
  let batchBytes = 0

  const add = (bytes: Uint8Array) => {
    batch.push(bytes)
    batchBytes += bytes.byteLength
  }

  const flush = (): boolean => {
    if (batchBytes === 0) return !stream.writableNeedsDrain
    const bytes = batch.length === 1 ? batch[0]! : Buffer.concat(batch, batchBytes)
    batch = []
    batchBytes = 0
    return sendNow(bytes)
  }

  const flushLater = () => {
    try {
      flush()
    } catch {
      // The connection closed meanwhile; it has told the muxer, and there is nobody left to send to.
    }
  }

  stream.send = data => {
    if (stream.status !== 'open') return sendNow(data)
    const isHeld = data instanceof Uint8Array && updates.hold(data)
    if (isHeld && !updates.isDue) return !stream.writableNeedsDrain
    if (batchBytes === 0) queueMicrotask(flushLater)
    for (const frame of updates.take()) add(frame)
    if (!isHeld) for (const bytes of data instanceof Uint8Array ? [data] : data) add(bytes)
    return batchBytes >= batchBytesMax ? flush() : !stream.writableNeedsDrain
  }
  return stream
}
