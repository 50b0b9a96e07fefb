import type { CallRecord, TokenCall } from '../core/index.ts'
import type { Chunk, Folder } from '../openai/index.ts'

/** Gathers an answer for the archive as its caller gets it. */
export interface AnswerText {
  /** A chunk that was sent. */
  readonly saw: (chunk: Chunk) => void
  /** The answer in one body. */
  readonly body: (body: unknown) => void
  /** To be called when no more of it is sent, however it ended. */
  readonly end: () => void
}

const nothing = { saw: () => {}, body: () => {}, end: () => {} }

/** Of text on the wire. */
const maxKeptBytes = 16 * 1024 * 1024
/** Numbers say nothing to a reader, and take a hundred times the room of what they stand for. */
const maxVectorsLength = 64 * 1024

/** The text of an answer told token by token; nothing where no texts are kept. */
export function answerText(record: CallRecord | undefined, task: TokenCall['task'], folder: () => Folder): AnswerText {
  if (!record?.keepsTexts) return nothing
  let folded: Folder | undefined
  let takenBytes = 0
  return {
    saw: chunk => {
      if (chunk.event !== undefined || record.isCut) return
      takenBytes += chunk.size
      folded ??= folder()
      if (takenBytes > maxKeptBytes || !isFolded(folded, chunk)) record.isCut = true
    },
    body: body => {
      record.output = task === 'embedding' ? embeddingsText(body) : spokenText(body)
    },
    end: () => {
      if (folded !== undefined) record.output ??= spokenText(folded.body())
    },
  }
}

/** A chunk that was good enough for its caller may still fit no answer: the rest of it is not kept then. */
function isFolded(folder: Folder, chunk: Chunk): boolean {
  try {
    folder.add(chunk)
    return true
  } catch {
    return false
  }
}

/** What a single choice says; all of the choices as JSON where there is more to them than words. */
function spokenText(body: unknown): string {
  const { choices } = body as { choices?: readonly Choice[] }
  const [first, ...more] = choices ?? []
  if (first === undefined) return JSON.stringify(body)
  const { content, ...rest } = first.message ?? { content: first.text }
  const isPlain = more.length === 0 && Object.entries(rest).every(([name, value]) => name === 'role' || value == null)
  return isPlain && typeof content === 'string' ? content : JSON.stringify(choices)
}

interface Choice {
  readonly message?: Readonly<Record<string, unknown>>
  readonly text?: unknown
}

function embeddingsText(body: unknown): string {
  const text = JSON.stringify(body)
  if (text.length <= maxVectorsLength) return text
  const { data, ...rest } = body as { data: readonly unknown[] }
  return JSON.stringify({ ...rest, data: `${data.length} embeddings` })
}

/** What is relayed as it is: words stay words, of everything else the kind and the size are told. */
export interface RawText {
  readonly saw: (bytes: Uint8Array) => void
  readonly end: () => void
}

const isText = /^(?:text\/|application\/(?:[\w.+-]+\+)?json\b)/i

export function rawText(record: CallRecord | undefined, contentType = 'application/octet-stream'): RawText {
  if (!record?.keepsTexts) return nothing
  const pieces: Uint8Array[] = []
  let size = 0
  return {
    saw: bytes => {
      size += bytes.length
      if (!isText.test(contentType)) return
      if (size > maxKeptBytes) record.isCut = true
      else pieces.push(bytes)
    },
    end: () => {
      record.output = isText.test(contentType)
        ? Buffer.concat(pieces).toString('utf8')
        : JSON.stringify({ contentType, bytes: size })
    },
  }
}
