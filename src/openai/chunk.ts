import { decodeEvent, encodeEvent } from './sse.ts'
import { Usage } from './usage.ts'

/** What the producer of a chunk knows about it without anybody parsing it. Never on the wire. */
export interface ChunkMeta {
  /** Tokens the model generated for this chunk. Absent on relayed chunks. */
  outputTokens?: number
  /** Tokens of the prompt, told with the first chunk by backends that count before they generate. */
  promptTokens?: number
  /** Prompt tokens that were already in the backend's cache. */
  cachedTokens?: number
  /** With this chunk the answer is whole; what a backend does afterwards is bookkeeping that its reader need not wait for. */
  isLast?: boolean
  /** It is paid for when it arrives: it leaves in the same turn, or the node could die with what its user has paid. */
  isPaidFor?: boolean
  /** What a raw answer is; told with its first chunk. */
  contentType?: string
}

const usageMark = Buffer.from('"usage"')
const eventMark = Buffer.from('event:')
const space = 32
const colon = 58
const openBrace = 123
const noFields = { event: undefined, data: undefined }

interface Parts {
  bytes?: Uint8Array
  event?: string | undefined
  data?: string
  json?: unknown
  isRaw?: boolean
  ends?: readonly number[]
}

/**
 * One event of an answer: the bytes as they came, decoded and parsed only when somebody asks.
 * A run is several events that arrived together and say nothing but words: it travels as one, and whoever reads words takes
 * its parts. A raw chunk is a piece of an answer that is no event of ours: sound, text, a body, an event under names of its own.
 * A chunk with an `event` name is a message between nodes (`parley.receipt`), never something for the app.
 */
export class Chunk {
  readonly meta: ChunkMeta
  readonly isRaw: boolean
  /** How many events it holds. */
  readonly count: number
  readonly #ends: readonly number[] | undefined
  #bytes: Uint8Array | undefined
  #fields: { event: string | undefined; data: string | undefined } | undefined
  #json: unknown

  private constructor(parts: Parts, meta: ChunkMeta) {
    this.meta = meta
    this.isRaw = parts.isRaw ?? false
    this.#ends = parts.ends
    this.count = parts.ends?.length ?? 1
    this.#bytes = parts.bytes
    if (parts.data !== undefined) this.#fields = { event: parts.event, data: parts.data }
    this.#json = parts.json
  }

  /** A chunk made here from a JSON value. */
  static of(json: unknown, meta: ChunkMeta = {}): Chunk {
    return new Chunk({ data: JSON.stringify(json), json }, meta)
  }

  /** A named message between nodes. */
  static message(event: string, json: unknown): Chunk {
    return new Chunk({ event, data: JSON.stringify(json), json }, {})
  }

  /** A chunk relayed from an upstream: one whole SSE event, blank line included. */
  static relayed(bytes: Uint8Array, meta: ChunkMeta = {}): Chunk {
    return new Chunk({ bytes }, meta)
  }

  /** Events that stand side by side in `bytes`, without usage, names or failures; each ends at one of `ends`, the last one with the bytes. */
  static run(bytes: Uint8Array, ends: readonly number[]): Chunk {
    return new Chunk(ends.length > 1 ? { bytes, ends } : { bytes }, {})
  }

  /** A piece of a raw answer, and what it says when it is a whole JSON body. */
  static raw(bytes: Uint8Array, meta: ChunkMeta = {}, json?: unknown): Chunk {
    return new Chunk({ bytes, json, isRaw: true }, meta)
  }

  /** The chunk framed as one SSE event; a raw one as it is. */
  get bytes(): Uint8Array {
    this.#bytes ??= encodeEvent(this.data ?? '', this.event)
    return this.#bytes
  }

  /** About how many bytes it takes, told without framing it. */
  get size(): number {
    return this.#bytes?.length ?? this.data?.length ?? 0
  }

  /** Its events one by one; itself where it is a single one. */
  *parts(): Generator<Chunk, void, void> {
    if (this.#ends === undefined) return yield this
    let start = 0
    for (const end of this.#ends) {
      yield Chunk.relayed(this.bytes.subarray(start, end))
      start = end
    }
  }

  /** The `data:` payload as text; undefined for an event without data (a comment). */
  get data(): string | undefined {
    return this.#decoded().data
  }

  get event(): string | undefined {
    if (this.isRaw || this.#ends !== undefined) return undefined
    if (this.#fields === undefined && this.#bytes !== undefined && asBuffer(this.#bytes).indexOf(eventMark) === -1) {
      return undefined
    }
    return this.#decoded().event
  }

  /** The parsed payload of a single event. Throws `SyntaxError` on anything but JSON. The same object each time: do not change it. */
  json(): unknown {
    this.#json ??= JSON.parse(this.data ?? 'null')
    return this.#json
  }

  /** The usage this chunk reports, if any: only chunks whose bytes hold a usage object are parsed. */
  usage(): Usage | undefined {
    if (this.isRaw || this.#ends !== undefined) return undefined
    if (this.#json === undefined && this.#bytes !== undefined && !holdsUsageObject(asBuffer(this.#bytes)))
      return undefined
    const json = this.json() as { usage?: unknown } | null
    const parsed = Usage.safeParse(json?.usage)
    return parsed.success ? parsed.data : undefined
  }

  #decoded(): { event: string | undefined; data: string | undefined } {
    if (this.isRaw) return noFields
    this.#fields ??= decodeEvent(this.#bytes ?? new Uint8Array(0))
    return this.#fields
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Many servers send `"usage":null` with every chunk: only an object is worth parsing. */
function holdsUsageObject(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(usageMark); at !== -1; at = bytes.indexOf(usageMark, at + 1)) {
    let next = at + usageMark.length
    while (bytes[next] === space || bytes[next] === colon) next++
    if (bytes[next] === openBrace) return true
  }
  return false
}
