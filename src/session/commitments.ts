import { createHash, createHmac, hkdfSync } from 'node:crypto'
import type { Call, Hex } from '../core/index.ts'
import { canonicalJson } from '../core/index.ts'
import { type Chunk, type FormRequest, fieldOf, isFile } from '../openai/index.ts'

/** What receipts call a session: its secret's SHA-256, so that a published receipt does not give the session away. */
export function sessionName(session: Hex): Hex {
  return `0x${createHash('sha256').update(bytesOf(session)).digest('hex')}`
}

/** The salt of a session's commitments: without it nobody can guess a prompt from its receipt. */
export function commitmentKey(session: Hex): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', bytesOf(session), 'parley', 'commitments', 32))
}

/** HMAC over the SHA-256 of the prompt's canonical JSON: the part of the request that is the prompt, nothing else. */
export function commitToPrompt(key: Uint8Array, call: Call): Hex {
  return commit(
    key,
    createHash('sha256')
      .update(canonicalJson(promptOf(call)))
      .digest(),
  )
}

/** A running commitment to an answer in the order it was sent: the `data:` payloads of its chunks, or the bytes of a raw one. */
export interface ResponseCommitment {
  readonly add: (chunk: Chunk) => void
  /** Over everything so far. */
  readonly value: () => Hex
}

export function commitToResponse(key: Uint8Array): ResponseCommitment {
  const hash = createHash('sha256')
  return {
    add: chunk => void hash.update(payloadOf(chunk)),
    value: () => commit(key, hash.copy().digest()),
  }
}

function promptOf(call: Call): unknown {
  switch (call.task) {
    case 'chat':
      return call.body.messages
    case 'embedding':
    case 'speech':
    case 'moderation':
      return call.body.input
    case 'completion':
      return { prompt: call.body.prompt, suffix: call.body.suffix ?? undefined }
    case 'image':
      return { prompt: call.body.prompt }
    case 'rerank':
      return { query: call.body.query, documents: call.body.documents }
    default:
      return promptOfForm(call.body)
  }
}

/** Names of fields and files are written anew on the way: what counts is what they hold. */
function promptOfForm({ form }: FormRequest): unknown {
  const files = form.filter(isFile).map(({ file }) => createHash('sha256').update(file.bytes).digest('hex'))
  return { files, prompt: fieldOf(form, 'prompt') }
}

function commit(key: Uint8Array, digest: Uint8Array): Hex {
  return `0x${createHmac('sha256', key).update(digest).digest('hex')}`
}

const dataField = Buffer.from('data:')
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20

/** The payload as bytes; taken from the frame as it is where that has one data line, as all but the oddest have. */
function payloadOf(chunk: Chunk): Uint8Array {
  const { bytes } = chunk
  if (chunk.isRaw) return bytes
  if (!startsWith(bytes, dataField)) return Buffer.from(chunk.data ?? '')
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === lineFeed || bytes[end - 1] === carriageReturn)) end--
  const start = bytes[dataField.length] === space ? dataField.length + 1 : dataField.length
  const payload = bytes.subarray(start, Math.max(start, end))
  return payload.includes(lineFeed) || payload.includes(carriageReturn) ? Buffer.from(chunk.data ?? '') : payload
}

function startsWith(bytes: Uint8Array, mark: Uint8Array): boolean {
  return mark.every((byte, at) => bytes[at] === byte)
}

function bytesOf(hex: Hex): Buffer {
  return Buffer.from(hex.slice(2), 'hex')
}
