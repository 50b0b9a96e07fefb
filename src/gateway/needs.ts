import type { Call } from '../core/index.ts'
import type { CandidateFacts } from './candidate.ts'

/** What a request asks of a model, as far as it shows: names of capabilities, and a guess at its tokens. */
export interface Needs {
  readonly capabilities: readonly string[]
  /** Prompt and wanted answer together, a token for four bytes of text: good enough to prefer a longer context. */
  readonly tokens: number
}

const bytesPerToken = 4

export function needsOf({ task, body }: Call): Needs {
  const fields = body as Readonly<Record<string, unknown>>
  const messages = messagesOf(task, fields)
  const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []))
  const capabilities = [
    ...(parts.some(({ type }) => type === 'image_url') ? ['vision'] : []),
    ...(Array.isArray(fields.tools) && fields.tools.length > 0 ? ['tools'] : []),
    ...(isJson(fields.response_format) ? ['json'] : []),
  ]
  const wanted = Number(fields.max_completion_tokens ?? fields.max_tokens ?? 0) || 0
  return { capabilities, tokens: Math.ceil(bytesOf(textsOf(messages, fields)) / bytesPerToken) + wanted }
}

interface Message {
  readonly content?: unknown
}

function isJson(format: unknown): boolean {
  const type = (format as { type?: unknown } | null | undefined)?.type
  return type === 'json_schema' || type === 'json_object'
}

function messagesOf(task: Call['task'], { messages }: Readonly<Record<string, unknown>>): readonly Message[] {
  return task === 'chat' && Array.isArray(messages) ? (messages as Message[]) : []
}

function textsOf(messages: readonly Message[], { prompt, input }: Readonly<Record<string, unknown>>): string[] {
  return [...messages.map(({ content }) => content), prompt, input].flat().map(textOf)
}

function textOf(part: unknown): string {
  if (typeof part === 'string') return part
  const inner = (part as { text?: unknown } | null | undefined)?.text
  return typeof inner === 'string' ? inner : ''
}

/** Size of the text of a request in UTF-8, without pictures and other attachments. */
export function textBytesOf({ task, body }: Call): number {
  const fields = body as Readonly<Record<string, unknown>>
  return bytesOf(textsOf(messagesOf(task, fields), fields))
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

/**
 * Those that are known not to do what a request needs go behind all that may, whatever their priority and also behind those
 * that cool down: their refusal would end the call. What a list says of a model may be wrong, so none is left out.
 */
export function fittingFirst<T extends CandidateFacts>(candidates: readonly T[], call: Call): T[] {
  if (candidates.length < 2 || !candidates.some(isKnown)) return [...candidates]
  const needs = needsOf(call)
  const fitting = candidates.filter(candidate => isFitting(candidate, needs))
  if (fitting.length === 0 || fitting.length === candidates.length) return [...candidates]
  return [...fitting, ...candidates.filter(candidate => !isFitting(candidate, needs))]
}

function isKnown({ capabilities, contextTokens }: CandidateFacts): boolean {
  return capabilities !== undefined || contextTokens !== undefined
}

export function isFitting(candidate: CandidateFacts, needs: Needs): boolean {
  return lackOf(candidate, needs) === undefined
}

/** What a candidate is known to lack, in words; undefined where it may do all of it. */
export function lackOf({ capabilities, contextTokens }: CandidateFacts, needs: Needs): string | undefined {
  const missing = needs.capabilities.filter(need => capabilities?.includes(need) === false)
  if (missing.length > 0) return `no ${missing.join(', no ')}`
  if (contextTokens === undefined || needs.tokens <= contextTokens) return undefined
  return `room for ${contextTokens} tokens, the request needs about ${needs.tokens}`
}
