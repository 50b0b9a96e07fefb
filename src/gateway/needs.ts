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
  const messages = messagesOf(task, fields)
  const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []))
  const capabilities = [
    ...(parts.some(({ type }) => type === 'image_url') ? ['vision'] : []),
    ...(Array.isArray(fields.tools) && fields.tools.length > 0 ? ['tools'] : []),
    ...(isJson(fields.response_format) ? ['json'] : []),
  ]
  const characters = textsOf(messages, fields).reduce((sum, text) => sum + text.length, 0)
  const wanted = Number(fields.max_completion_tokens ?? fields.max_tokens ?? 0) || 0
  return { capabilities, tokens: Math.ceil(characters / charactersPerToken) + wanted }
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
  return textsOf(messagesOf(task, fields), fields).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

/**
 * Those that are known not to do what a request needs go behind those of their priority that may: what a list says of a
 * model may be wrong, so none is left out. Who cools down stays behind them all.
 */
export function fittingFirst<T extends CandidateFacts>(candidates: readonly T[], call: Call): T[] {
  if (candidates.length < 2 || !candidates.some(isKnown)) return [...candidates]
  const needs = needsOf(call)
  return groupsOf(candidates).flatMap(group => {
    const fitting = group.filter(candidate => isFitting(candidate, needs))
    return fitting.length === group.length ? group : [...fitting, ...group.filter(other => !fitting.includes(other))]
  })
}

/** Neighbours of one priority. */
function groupsOf<T extends CandidateFacts>(candidates: readonly T[]): T[][] {
  const groups: T[][] = []
  for (const candidate of candidates) {
    const group = groups.at(-1)
    if (group !== undefined && (group[0]!.priority ?? 1) === (candidate.priority ?? 1)) group.push(candidate)
    else groups.push([candidate])
  }
  return groups
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
