import { strToU8, zipSync } from 'fflate'
import type { Chat, Message } from '../documents.ts'
import type { ChatWithMessages } from '../port.ts'

/** Who speaks, in the language of the reader. */
export interface Speakers {
  readonly user: string
  readonly assistant: string
}

/** The branch that is shown, first message first. */
export function branchOf({ headId }: Chat, messages: readonly Message[]): readonly Message[] {
  const byId = new Map(messages.map(message => [message.id, message]))
  const found: Message[] = []
  const seen = new Set<string>()
  let at = headId === null ? messages.at(-1) : byId.get(headId)
  while (at !== undefined && !seen.has(at.id)) {
    seen.add(at.id)
    found.push(at)
    at = at.parentId === null ? undefined : byId.get(at.parentId)
  }
  return found.reverse()
}

export function markdownOf({ chat, messages }: ChatWithMessages, speakers: Speakers): string {
  const parts = branchOf(chat, messages).map(({ role, model, text, attachments }) => {
    const name = role === 'assistant' && model !== undefined ? `${speakers.assistant} (${model})` : speakers[role]
    const files = (attachments ?? []).map(file => `- ${file.name} (${file.mediaType})`)
    return [`## ${name}`, text, ...(files.length > 0 ? [files.join('\n')] : [])].join('\n\n')
  })
  const system = chat.systemPrompt === '' ? [] : [chat.systemPrompt.replaceAll(/^/gm, '> ')]
  return `${[`# ${chat.title.replaceAll(/\s+/g, ' ')}`, ...system, ...parts].join('\n\n')}\n`
}

/** One file for each chat. */
export async function markdownZip(
  chats: AsyncIterable<ChatWithMessages>,
  speakers: Speakers,
): Promise<Uint8Array<ArrayBuffer>> {
  const files: Record<string, Uint8Array> = Object.create(null) as Record<string, Uint8Array>
  for await (const found of chats) files[freeName(files, found.chat)] = strToU8(markdownOf(found, speakers))
  return zipSync(files, { level: 6 }) as Uint8Array<ArrayBuffer>
}

function freeName(files: Readonly<Record<string, unknown>>, chat: Chat): string {
  const day = new Date(chat.createdAt).toISOString().slice(0, 10)
  const name = `${day} ${fileNameOf(chat.title)}`
  for (let at = 1; ; at++) {
    const wanted = at === 1 ? `${name}.md` : `${name} ${at}.md`
    if (!(wanted in files)) return wanted
  }
}

/** What every file system takes. */
export function fileNameOf(title: string): string {
  const plain = title
    .normalize('NFKC')
    .replaceAll(/[^\p{L}\p{N} _.-]+/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/^[ .]+|[ .]+$/g, '')
  return plain.slice(0, 80) || 'chat'
}
