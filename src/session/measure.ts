import type { TokenCall } from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'

/** Both sides measure alike, so that the first voucher of a call is right without asking. docs/protocol.md has the rule. */
export interface PromptMeasure {
  /** What is paid before work begins: a quarter of the bytes, and 8 per message. */
  readonly tokens: number
  /** More than this no tokenizer makes of it: every byte, and 64 per message. */
  readonly tokensMax: number
}

export function measurePrompt(call: TokenCall): PromptMeasure {
  return measureOf(call.task === 'chat' ? sizeOfChat(call.body) : sizeOfInput(inputOf(call)))
}

export function measureOf(size: PromptSize): PromptMeasure {
  return {
    tokens: Math.max(1, Math.ceil(size.bytes / 4) + size.ids + 8 * size.messages + 1_024 * size.media),
    tokensMax: size.bytes + size.ids + 64 * Math.max(1, size.messages) + 8_192 * size.media,
  }
}

export interface PromptSize {
  bytes: number
  /** Tokens given as numbers. */
  ids: number
  messages: number
  /** Parts that are not text. */
  media: number
}

export const emptySize: Readonly<PromptSize> = { bytes: 0, ids: 0, messages: 0, media: 0 }

type ChatBody = Extract<TokenCall, { task: 'chat' }>['body']

function sizeOfChat(body: ChatBody): PromptSize {
  const size = { ...emptySize, messages: body.messages.length }
  for (const message of body.messages) {
    if (typeof message.content === 'string') size.bytes += Buffer.byteLength(message.content)
    else for (const part of message.content ?? []) addPart(size, part)
    size.bytes += jsonBytes(message.tool_calls)
  }
  size.bytes += jsonBytes(body.tools) + jsonBytes(body.functions) + jsonBytes(body.response_format)
  return size
}

export function addPart(size: PromptSize, part: Record<string, unknown>): void {
  if (typeof part.text === 'string') size.bytes += Buffer.byteLength(part.text)
  else size.media++
}

export function jsonBytes(value: unknown): number {
  return value === undefined || value === null ? 0 : Buffer.byteLength(JSON.stringify(value))
}

type Input = string | readonly string[] | readonly number[] | readonly (readonly number[])[]

function inputOf(call: Exclude<TokenCall, { task: 'chat' }>): Input[] {
  if (call.task === 'embedding') return [call.body.input]
  return call.body.suffix == null ? [call.body.prompt] : [call.body.prompt, call.body.suffix]
}

function sizeOfInput(inputs: readonly Input[]): PromptSize {
  const size = { ...emptySize }
  for (const input of inputs) {
    if (typeof input === 'string') addText(size, input)
    else if (typeof input[0] === 'number') addIds(size, input as readonly number[])
    else for (const item of input as readonly (string | number[])[]) addItem(size, item)
  }
  return size
}

function addItem(size: PromptSize, item: string | number[]): void {
  if (typeof item === 'string') addText(size, item)
  else addIds(size, item)
}

function addText(size: PromptSize, text: string): void {
  size.bytes += Buffer.byteLength(text)
  size.messages++
}

function addIds(size: PromptSize, ids: readonly number[]): void {
  size.ids += ids.length
  size.messages++
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const space = 0x20
const deltaMark = Buffer.from('"delta"')
const textMark = Buffer.from('"text"')
const spokenFields = new Set(['content', 'text', 'reasoning', 'reasoning_content', 'refusal', 'arguments', 'name'])

/**
 * Bytes of text a chunk carries to its reader, found without parsing it: the string values of the fields a reader is
 * shown. Escapes count as written, so this never says less than there is.
 */
export function textBytes(chunk: Chunk): number {
  const { bytes } = chunk
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const delta = view.indexOf(deltaMark)
  const start = delta === -1 ? view.indexOf(textMark) : delta
  if (start === -1) return 0
  let total = 0
  let isSpoken = false
  for (let at = view.indexOf(quote, start); at !== -1; at = view.indexOf(quote, at + 1)) {
    const open = at + 1
    at = closingQuote(view, open)
    if (at === -1) return total
    let next = at + 1
    while (view[next] === space) next++
    if (view[next] === colon) isSpoken = spokenFields.has(view.toString('latin1', open, at))
    else if (isSpoken) total += at - open
  }
  return total
}

function closingQuote(view: Buffer, from: number): number {
  for (let at = view.indexOf(quote, from); at !== -1; at = view.indexOf(quote, at + 1)) {
    let slashes = 0
    while (view[at - 1 - slashes] === backslash) slashes++
    if (slashes % 2 === 0) return at
  }
  return -1
}
