import { z } from 'zod'
import { ParleyError, pieceEvent } from '../core/index.ts'
import { Chunk, encodeEvent } from '../openai/index.ts'

const typeCharsMax = 200
const pieceBytes = 48 * 1024
/** Pieces of nothing would be kept without end. */
const pieceBytesMin = 1_024

/**
 * Raw chunks as events, so that receipts and the end mark have a place behind them. A chunk is one piece or several, all
 * but the last with `more`; the media type comes with the first of the answer; `last` says that a chunk is the whole body.
 */
const Piece = z.object({
  bytes: z.base64(),
  type: z
    .string()
    .max(typeCharsMax)
    .regex(/^[\w.+-]+\/[\w.+-]+(?:; ?[\w.+="-]+)*$/)
    .optional(),
  more: z.literal(true).optional(),
  last: z.literal(true).optional(),
})

/** The events of a raw chunk, each framed. */
export function* piecesOf({ bytes, meta: { contentType, isLast } }: Chunk): Generator<Uint8Array, void, void> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; ; at += pieceBytes) {
    const more = at + pieceBytes < view.length
    const piece = {
      ...(at === 0 && contentType !== undefined && { type: shortType(contentType) }),
      bytes: view.toString('base64', at, at + pieceBytes),
      ...(more && { more }),
      ...(!more && isLast === true && { last: true }),
    }
    yield encodeEvent(JSON.stringify(piece), pieceEvent)
    if (!more) return
  }
}

function shortType(contentType: string): string {
  return contentType.length > typeCharsMax ? 'application/octet-stream' : contentType
}

export interface PieceReader {
  /** The chunk that ends with this piece; undefined while more of it is to come. */
  readonly add: (piece: Chunk) => Chunk | undefined
  /** Whether nothing of a chunk is missing. */
  readonly isBetween: () => boolean
}

/** `chunkBytesMax` is the most that is held of a chunk in pieces. */
export function createPieceReader(chunkBytesMax: number): PieceReader {
  let held: Buffer[] = []
  let heldBytes = 0
  let contentType: string | undefined
  return {
    add: chunk => {
      const { bytes, type, more, last } = decoded(chunk)
      if (more && bytes.length < pieceBytesMin) throw malformed('is too small to be followed by more')
      held.push(bytes)
      heldBytes += bytes.length
      contentType = type ?? contentType
      if (heldBytes > chunkBytesMax) throw malformed('is part of something too large')
      if (more) return undefined
      const whole = held.length === 1 ? bytes : Buffer.concat(held, heldBytes)
      const meta = { ...(contentType !== undefined && { contentType }), ...(last && { isLast: true }) }
      held = []
      heldBytes = 0
      contentType = undefined
      return Chunk.raw(whole, meta, last ? jsonOf(whole) : undefined)
    },
    isBetween: () => held.length === 0,
  }
}

function decoded(chunk: Chunk): Omit<z.infer<typeof Piece>, 'bytes'> & { bytes: Buffer } {
  let json: unknown
  try {
    json = chunk.json()
  } catch (cause) {
    throw malformed('is not JSON', cause)
  }
  const parsed = Piece.safeParse(json)
  if (!parsed.success) throw malformed('has another shape', parsed.error)
  return { ...parsed.data, bytes: Buffer.from(parsed.data.bytes, 'base64') }
}

function malformed(what: string, cause?: unknown): ParleyError {
  return new ParleyError('backend_failed', `the provider sent a ${pieceEvent} that ${what}`, { cause })
}

/** A body that is JSON is counted; any other is not. */
function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
