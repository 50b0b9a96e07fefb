import type { Call } from '../core/index.ts'
import type { CandidateFacts } from './candidate.ts'

/** What a request asks of a model, as far as it shows: names of capabilities, and a guess at its tokens. */
export interface Needs {
  readonly capabilities: readonly string[]
  /** Prompt and wanted answer together, four characters a token: good enough to prefer a longer context. */
  readonly tokens: number
}

const charactersPerToken = 4

export function needsOf({ task, body }: Call): Needs {
  const fields = body as Readonly<Record<string, unknown>>
  const messages = task === 'chat' && Array.isArray(fields.messages) ? (fields.messages as Message[]) : []
  const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []))
  const capabilities = [
    ...(parts.some(({ type }) => type === 'image_url') ? ['vision'] : []),
    ...(Array.isArray(fields.tools) && fields.tools.length > 0 ? ['tools'] : []),
    ...(isJson(fields.response_format) ? ['json'] : []),
  ]
  const wanted = Number(fields.max_completion_tokens ?? fields.max_tokens ?? 0) || 0
  return { capabilities, tokens: Math.ceil(textLength(messages, fields) / charactersPerToken) + wanted }
}

interface Message {
  readonly content?: unknown
}

function isJson(format: unknown): boolean {
  const type = (format as { type?: unknown } | null | undefined)?.type
  return type === 'json_schema' || type === 'json_object'
}

function textLength(messages: readonly Message[], { prompt, input }: Readonly<Record<string, unknown>>): number {
  const texts = [...messages.map(({ content }) => content), prompt, input].flat()
  return texts.reduce<number>((sum, text) => sum + lengthOf(text), 0)
}

function lengthOf(text: unknown): number {
  if (typeof text === 'string') return text.length
  const inner = (text as { text?: unknown } | null | undefined)?.text
  return typeof inner === 'string' ? inner.length : 0
}

/** Those that are known not to do what a request needs go last: what a list says of a model may be wrong, so none is left out. */
export function fittingFirst<T extends CandidateFacts>(candidates: readonly T[], call: Call): T[] {
  if (candidates.length < 2 || !candidates.some(isKnown)) return [...candidates]
  const needs = needsOf(call)
  const fitting = candidates.filter(candidate => isFitting(candidate, needs))
  return [...fitting, ...candidates.filter(candidate => !fitting.includes(candidate))]
}

function isKnown({ capabilities, contextTokens }: CandidateFacts): boolean {
  return capabilities !== undefined || contextTokens !== undefined
}

export function isFitting(
  { capabilities, contextTokens = Number.POSITIVE_INFINITY }: CandidateFacts,
  needs: Needs,
): boolean {
  return (
    needs.tokens <= contextTokens &&
    (capabilities === undefined || needs.capabilities.every(need => capabilities.includes(need)))
  )
}
