import type { Call, RelayedCall } from '../core/index.ts'
import { isTokenCall, ParleyError, unitOf } from '../core/index.ts'
import {
  Chunk,
  charactersIn,
  type FormRequest,
  fieldOf,
  imagesIn,
  isFile,
  picksBest,
  secondsIn,
  usageIn,
} from '../openai/index.ts'
import { addPart, emptySize, jsonBytes, measureOf, measurePrompt, type PromptMeasure } from './measure.ts'
import { soundLength } from './sound-length.ts'

/** Throws `unsupported` for a call that a price by this unit says nothing about: it would go unpaid, or be paid unseen. */
export function requireUnit(call: Call, unit: string): void {
  const { task, body } = call
  const { model } = body
  if (call.task === 'completion' && picksBest(call.body)) {
    throw new ParleyError(
      'unsupported',
      'best_of is not sold: what it drops does not arrive and cannot be counted; leave it out, or ask for several with n',
      { param: 'best_of' },
    )
  }
  if (unitOf(task) === unit) return
  throw new ParleyError(
    'unsupported',
    `${JSON.stringify(model)} is sold by ${unit} here, and ${task} calls are paid by ${unitOf(task)}; name a model sold so`,
    { param: 'model' },
  )
}

/** What is set aside for a call before it begins, in the unit of its kind. Both sides measure alike. */
export interface CallMeasure {
  /** What goes in: tokens, seconds of sound, characters. */
  readonly in: number
  /** More than this cannot have gone in. */
  readonly inMax: number
  /** What comes out and is prepaid: the pictures asked for. */
  readonly out: number
}

export function measureCall(call: Call): CallMeasure {
  if (isTokenCall(call)) return prompted(measurePrompt(call))
  switch (call.task) {
    case 'image':
      return { in: 0, inMax: 0, out: call.body.n ?? 1 }
    case 'imageEdit':
    case 'imageVariation':
      return { in: 0, inMax: 0, out: imagesWanted(call.body) }
    case 'transcription':
    case 'translation':
      return measureSound(call.body)
    case 'speech': {
      const characters = charactersIn(call.body.input)
      return { in: characters, inMax: characters, out: 0 }
    }
    default:
      return prompted(call.task === 'moderation' ? measureModeration(call.body) : measureRerank(call.body))
  }
}

function prompted({ tokens, tokensMax }: PromptMeasure): CallMeasure {
  return { in: tokens, inMax: tokensMax, out: 0 }
}

const imagesMax = 128

/** A number that no server takes is refused by it, and costs nothing. */
function imagesWanted({ form }: FormRequest): number {
  const wanted = Number(fieldOf(form, 'n') ?? 1)
  return Number.isInteger(wanted) && wanted >= 1 && wanted <= imagesMax ? wanted : 1
}

/**
 * The chunk with so many pictures at the most; undefined when it would hold none of those it has. A request may ask in other
 * words than `n` for more than it sets aside.
 */
export function withImages(call: RelayedCall, chunk: Chunk, most: number): Chunk | undefined {
  if (unitOf(call.task) !== 'images' || countOf(call, chunk).out <= most) return chunk
  if (chunk.meta.isLast !== true) return undefined
  const body = chunk.json() as { data: readonly unknown[] }
  let left = most
  const data = body.data.filter(entry => imagesIn({ data: [entry] }) === 0 || left-- > 0)
  const fitting = { ...body, data }
  return Chunk.raw(Buffer.from(JSON.stringify(fitting)), chunk.meta, fitting)
}

/** Sound whose length is not told: taken for 64 kbit/s, and for no less than 4, below which no codec in use goes. */
const usualBytesPerSecond = 8_000
const leastBytesPerSecond = 500

function measureSound({ form }: FormRequest): CallMeasure {
  let [usual, most] = [0, 0]
  for (const { file } of form.filter(isFile)) {
    const seconds = soundLength(file.bytes)
    usual += seconds ?? file.bytes.length / usualBytesPerSecond
    most += seconds ?? file.bytes.length / leastBytesPerSecond
  }
  return { in: Math.max(1, Math.ceil(usual)), inMax: Math.max(1, Math.ceil(most)), out: 0 }
}

function measureModeration({ input }: Extract<RelayedCall, { task: 'moderation' }>['body']): PromptMeasure {
  const parts: readonly (string | Record<string, unknown>)[] = typeof input === 'string' ? [input] : input
  const size = { ...emptySize, messages: parts.length }
  for (const part of parts) addPart(size, typeof part === 'string' ? { text: part } : part)
  return measureOf(size)
}

/** Whoever ranks reads the query anew with each document. */
function measureRerank({ query, documents }: Extract<RelayedCall, { task: 'rerank' }>['body']): PromptMeasure {
  const asked = Buffer.byteLength(query)
  const bytes = documents.reduce(
    (sum, text) => sum + asked + (typeof text === 'string' ? Buffer.byteLength(text) : jsonBytes(text)),
    0,
  )
  return measureOf({ ...emptySize, bytes, messages: documents.length })
}

/** What a chunk delivers, and what it says of what went in; undefined where it says nothing. */
export interface ChunkCount {
  readonly in: number | undefined
  readonly out: number
}

export function countOf({ task }: RelayedCall, chunk: Chunk): ChunkCount {
  switch (unitOf(task)) {
    case 'images':
      return { in: undefined, out: chunk.meta.isLast === true ? imagesIn(chunk.json()) : isDone(chunk) ? 1 : 0 }
    case 'seconds':
      return { in: Math.ceil(secondsIn(bodyOf(chunk))) || undefined, out: 0 }
    case 'tokens':
      return { in: usageIn(bodyOf(chunk)).prompt_tokens || undefined, out: 0 }
    default:
      return { in: undefined, out: 0 }
  }
}

/** The whole body, or that of the event that ends a stream; the others hold words and no counts. */
function bodyOf(chunk: Chunk): unknown {
  if (chunk.meta.isLast === true) return chunk.json()
  return isDone(chunk) ? parsed(Chunk.relayed(chunk.bytes).data) : undefined
}

const headBytes = 128

/** Told by the first bytes of an event, as one may hold a whole picture. */
function isDone({ bytes }: Chunk): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, headBytes)).toString('latin1')
  return /^(?:event: ?|data: ?\{"type": ?")[\w.]+\.(?:done|completed)\b/.test(head)
}

function parsed(text = 'null'): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
