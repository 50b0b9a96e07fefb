import { Chunk } from './chunk.ts'
import type { Usage } from './usage.ts'

/** What the reader of a stream sees of its usage: nothing, or all of it at the end. */
export interface UsageView {
  /** The chunk as its reader sees it; undefined for one that says nothing else. */
  see: (chunk: Chunk) => Chunk | undefined
  /** The chunk behind all others. `counted` stands in where the stream reported no usage. */
  last: (counted: Usage | undefined) => Chunk | undefined
}

interface Body {
  choices?: unknown[]
  usage?: unknown
}

/** For a reader that did not ask: usage is left out, and with it the chunk that carries nothing else. */
export function hiddenUsage(): UsageView {
  return {
    see: chunk => {
      if (chunk.usage() === undefined) return chunk
      const { usage: _usage, ...rest } = chunk.json() as Body
      return (rest.choices?.length ?? 0) === 0 ? undefined : Chunk.of(rest, chunk.meta)
    },
    last: () => undefined,
  }
}

/**
 * For a reader that asked: `usage: null` everywhere but in one last chunk without choices, wherever the backend put it
 * and however often it repeated itself.
 */
export function usageAtEnd(): UsageView {
  let held: Chunk | undefined
  let newest: Chunk | undefined
  return {
    see: chunk => {
      if (chunk.usage() === undefined) {
        const parts = [...chunk.parts()]
        newest = parts.at(-1)
        return parts.length === 1 ? withoutUsage(chunk) : runOf(parts.map(withoutUsage))
      }
      newest = chunk
      held = chunk
      const body = chunk.json() as Body
      return (body.choices?.length ?? 0) === 0 ? undefined : Chunk.of({ ...body, usage: null }, chunk.meta)
    },
    last: counted => {
      if (held !== undefined && (held.json() as Body).choices?.length === 0) return held
      const usage = held?.usage() ?? counted
      const from = held ?? newest
      if (usage === undefined || from === undefined) return undefined
      return Chunk.of({ ...(from.json() as Body), choices: [], usage })
    },
  }
}

const mark = Buffer.from('"usage"')
const nullField = Buffer.from(',"usage":null')
const end = Buffer.from('}')
const dataMark = Buffer.from('data:')
const openBrace = 123

function runOf(chunks: readonly Chunk[]): Chunk {
  let end = 0
  const ends = chunks.map(({ bytes }) => (end += bytes.length))
  return Chunk.run(Buffer.concat(chunks.map(({ bytes }) => bytes)), ends)
}

/** Says `usage: null`. Most chunks name no usage at all: they get the field spliced in and are not parsed. */
function withoutUsage(chunk: Chunk): Chunk {
  const bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength)
  const at = bytes.lastIndexOf(end)
  if (isOneLine(bytes, at) && bytes[at - 1] !== openBrace && !bytes.includes(mark)) {
    return Chunk.relayed(Buffer.concat([bytes.subarray(0, at), nullField, bytes.subarray(at)]), chunk.meta)
  }
  const body = chunk.json()
  if (typeof body !== 'object' || body === null || 'usage' in body) return chunk
  return Chunk.of({ ...body, usage: null }, chunk.meta)
}

/** Whether an event is a single line of data that ends with the brace at `at`. */
function isOneLine(bytes: Buffer, at: number): boolean {
  return (
    at > 0 &&
    bytes.indexOf(dataMark) === 0 &&
    isLine(bytes.subarray(0, at)) &&
    !bytes.subarray(at + 1).some(isNoLineEnd)
  )
}

function isLine(bytes: Buffer): boolean {
  return bytes.indexOf(10) === -1 && bytes.indexOf(13) === -1
}

function isNoLineEnd(byte: number): boolean {
  return byte !== 10 && byte !== 13
}
