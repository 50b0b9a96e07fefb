import type { Attachment, Message, Parameters } from '../storage/documents.ts'

type Part = { type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string } }

export interface Wire {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string | readonly Part[]
}

/** A conversation as servers of this API take it. Answers without a word are left out. */
export function wireOf(path: readonly Message[], systemPrompt: string): readonly Wire[] {
  const system = systemPrompt.trim()
  return [
    ...(system === '' ? [] : [{ role: 'system' as const, content: system }]),
    ...path
      .filter(({ role, text }) => role === 'user' || text !== '')
      .map(({ role, text, attachments = [] }) => ({ role, content: contentOf(text, attachments) })),
  ]
}

function contentOf(text: string, attachments: readonly Attachment[]): string | readonly Part[] {
  const files = attachments.filter(({ kind }) => kind === 'text').map(fenced)
  const said = [...files, text].filter(part => part !== '').join('\n\n')
  const images = attachments.flatMap(({ kind, dataUrl }) => (kind === 'image' && dataUrl ? [dataUrl] : []))
  if (images.length === 0) return said
  return [
    ...(said === '' ? [] : [{ type: 'text' as const, text: said }]),
    ...images.map(url => ({ type: 'image_url' as const, image_url: { url } })),
  ]
}

/** A file as text, in a fence that is longer than any within. */
function fenced({ name, text = '' }: Attachment): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${name}:\n${fence}${name.split('.').at(-1)?.replaceAll(/\W/g, '') ?? ''}\n${text}\n${fence}`
}

export function parametersOf({ temperature, topP, maxTokens }: Parameters): Record<string, number> {
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  }
}

/** Characters a token stands for, on average over languages that are written with letters. */
const tokenCharacters = 4
/** What a picture of the size that is sent usually counts. */
const imageTokens = 1_000
/** For the roles and marks around a message. */
const messageTokens = 4

/** About how many tokens a text and its attachments are. */
export function roughTokens(text: string, attachments: readonly Attachment[] = []): number {
  const letters = attachments.reduce((sum, { text: file = '' }) => sum + file.length, text.length)
  const images = attachments.filter(({ kind }) => kind === 'image').length
  return Math.ceil(letters / tokenCharacters) + images * imageTokens + messageTokens
}

const titleMax = 60

/** The first words of the first prompt. */
export function titleOf(text: string, attachments: readonly Attachment[] = []): string {
  const line = text.trim().split('\n')[0]?.replaceAll(/\s+/g, ' ') ?? ''
  if (line === '') return attachments[0]?.name.slice(0, titleMax) ?? ''
  if (line.length <= titleMax) return line
  const cut = line.slice(0, titleMax)
  const space = cut.lastIndexOf(' ')
  return `${cut.slice(0, space > titleMax / 2 ? space : titleMax)}…`
}
