import { crc32 } from 'node:zlib'
import type { Outcome, Units } from '../core/index.ts'
import { type Chunk, type ChunkMeta, Usage } from '../openai/index.ts'
import { isPlainWords, renamedId } from './cache-bytes.ts'

/**
 * A kept answer as bytes: a mark, a checksum of all behind it, the length of the head, the head as JSON, the events of the
 * answer side by side. Whatever is not exactly that is no entry, also what is another call's.
 */
const mark = Buffer.from('pac1')
const checkAt = mark.length
const headLengthAt = checkAt + 4
const headAt = headLengthAt + 4

/** The chunks of one answer. */
export interface CacheEntry {
  readonly head: CacheHead
  /** What the chunks are cut from; others may read it too. */
  readonly bytes: Buffer
}

export interface CacheHead {
  /** Key of the call that it answers. */
  readonly key: string
  /** Unix milliseconds. */
  readonly keptAt: number
  /** The id that stands in its bytes, made for this entry alone; empty for an answer without one. */
  readonly id: string
  readonly chunks: readonly CacheChunk[]
  readonly outcome: CacheOutcome
}

/** Where each of its events ends. More than one: all of them say nothing but words. */
export interface CacheChunk {
  readonly ends: readonly number[]
  readonly isRaw?: true
  readonly isLast?: true
  readonly contentType?: string
}

export interface CacheOutcome extends Pick<Outcome, 'usage' | 'servedBy' | 'finishReason'> {
  readonly model?: string
  readonly units?: Units
}

export interface KeptAnswer extends Pick<CacheHead, 'key' | 'keptAt'> {
  readonly chunks: readonly Chunk[]
  readonly outcome: Outcome
  /** 32 hexadecimal digits that are nowhere else. */
  readonly uuid: string
}

export function encodeEntry({ key, keptAt, chunks, outcome, uuid }: KeptAnswer): Buffer {
  const old = idOf(chunks)
  const id = old === '' ? '' : `${/^[A-Za-z]{1,16}[-_]/.exec(old)?.[0] ?? ''}${uuid}`
  const pieces: Uint8Array[] = []
  const layout = new Layout()
  for (const chunk of chunks) {
    for (const part of chunk.parts()) {
      const bytes = renamedId(part.bytes, old, id)
      pieces.push(bytes)
      layout.add(part, bytes.length)
    }
  }
  const head: CacheHead = { key, keptAt, id, chunks: layout.chunks, outcome: keptOutcome(outcome) }
  return sealed(Buffer.from(JSON.stringify(head)), pieces)
}

/** Events of one chunk, so that a reader who is slow is waited for. */
const runBytesMax = 16 * 1024

/** Puts events that say nothing but words together. */
class Layout {
  readonly chunks: (CacheChunk & { readonly ends: number[] })[] = []
  #end = 0
  /** Of the chunk that may still grow. */
  #runBytes = 0

  add(part: Chunk, bytes: number): void {
    this.#end += bytes
    const isWords = isPlainWords(part)
    const goesOn = isWords && this.#runBytes > 0 && this.#runBytes < runBytesMax
    if (goesOn) this.chunks.at(-1)!.ends.push(this.#end)
    else this.chunks.push({ ends: [this.#end], ...keptMeta(part) })
    this.#runBytes = isWords ? (goesOn ? this.#runBytes : 0) + bytes : 0
  }
}

/** The answer's own, as its first event has it. */
function idOf([first]: readonly Chunk[]): string {
  if (first === undefined) return ''
  const [part] = first.parts()
  try {
    const { id } = (part!.json() ?? {}) as { id?: unknown }
    return typeof id === 'string' ? id : ''
  } catch {
    return ''
  }
}

function keptMeta({ isRaw, meta: { isLast, contentType } }: Chunk): Omit<CacheChunk, 'ends'> {
  return {
    ...(isRaw && { isRaw: true }),
    ...(isLast === true && { isLast: true }),
    ...(contentType !== undefined && { contentType }),
  }
}

function keptOutcome({ usage, servedBy, finishReason, units, route }: Outcome): CacheOutcome {
  return {
    ...{ usage, servedBy },
    ...(finishReason !== undefined && { finishReason }),
    ...(units !== undefined && { units }),
    ...(route !== undefined && { model: route.model }),
  }
}

function sealed(head: Buffer, pieces: readonly Uint8Array[]): Buffer {
  const size = pieces.reduce((sum, { length }) => sum + length, headAt + head.length)
  // Memory of its own: a part of a larger piece would keep all of that.
  const entry = Buffer.allocUnsafeSlow(size)
  mark.copy(entry)
  entry.writeUInt32LE(head.length, headLengthAt)
  head.copy(entry, headAt)
  let end = headAt + head.length
  for (const piece of pieces) {
    entry.set(piece, end)
    end += piece.length
  }
  entry.writeUInt32LE(crc32(entry.subarray(headLengthAt)), checkAt)
  return entry
}

/** Undefined for what is no whole entry of this call. Never throws. */
export function decodeEntry(stored: Uint8Array, key: string): CacheEntry | undefined {
  const all = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  if (all.length < headAt || !all.subarray(0, mark.length).equals(mark)) return undefined
  if (crc32(all.subarray(headLengthAt)) !== all.readUInt32LE(checkAt)) return undefined
  const bytesAt = headAt + all.readUInt32LE(headLengthAt)
  const head = bytesAt > all.length ? undefined : parsed(all.toString('utf8', headAt, bytesAt))
  const bytes = all.subarray(bytesAt)
  return isHead(head, key, bytes.length) ? { head, bytes } : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const madeId = /^(?:(?:[A-Za-z]{1,16}[-_])?[0-9a-f]{32})?$/

function isHead(head: unknown, key: string, size: number): head is CacheHead {
  if (!isObject(head)) return false
  const { keptAt, id, chunks, outcome } = head
  const isNamed = head.key === key && Number.isFinite(keptAt) && typeof id === 'string' && madeId.test(id)
  return isNamed && areChunks(chunks, size) && isOutcome(outcome)
}

function areChunks(chunks: unknown, size: number): boolean {
  if (!Array.isArray(chunks) || chunks.length === 0) return false
  let last = 0
  const grows = (end: unknown) => {
    const isNext = Number.isInteger(end) && (end as number) > last
    if (isNext) last = end as number
    return isNext
  }
  return chunks.every(isChunk) && chunks.flatMap(({ ends }) => ends).every(grows) && last === size
}

function isChunk(chunk: unknown): chunk is CacheChunk {
  if (!isObject(chunk) || !Array.isArray(chunk.ends) || chunk.ends.length === 0) return false
  const { contentType } = chunk as ChunkMeta
  return contentType === undefined || (typeof contentType === 'string' && !/[^\x20-\x7e]/.test(contentType))
}

function isOutcome(outcome: unknown): boolean {
  if (!isObject(outcome)) return false
  const { usage, servedBy, finishReason, model, units } = outcome
  const isOptionalText = (value: unknown) => value == null || typeof value === 'string'
  const isCounted =
    units === undefined || (isObject(units) && typeof units.unit === 'string' && Number(units.count) > 0)
  return (
    Usage.safeParse(usage).success &&
    typeof servedBy === 'string' &&
    isCounted &&
    [finishReason, model].every(isOptionalText)
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
