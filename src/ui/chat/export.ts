import i18next from 'i18next'
import type { OpenChat } from './desk.ts'

/** Hands a chat out as a file: the branch that is shown as Markdown, or all of it. */
export async function exportChat({ chat, messages }: OpenChat, format: 'markdown' | 'json'): Promise<void> {
  const { fileNameOf, markdownOf } = await import('../storage/transfer/markdown.ts')
  const name = fileNameOf(chat.title)
  if (format === 'markdown') {
    const speakers = { user: i18next.t('chat.message.you'), assistant: i18next.t('chat.message.model') }
    return download(`${name}.md`, 'text/markdown', markdownOf({ chat, messages }, speakers))
  }
  const { exportCollection } = await import('../storage/transfer/own-format.ts')
  download(`${name}.json`, 'application/json', exportCollection({ chats: [chat], messages, folders: [] }))
}

const keptMs = 10_000

function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), keptMs)
}
