import { useShortcut } from '../client/shortcuts.ts'
import type { Message } from '../storage/documents.ts'
import type { ItemActions } from './message/item.tsx'
import { stopRun } from './runs.ts'

interface Shown {
  id: string
  path: readonly Message[]
  isRunning: boolean
  actions: ItemActions
}

/** The keys of a chat, for its newest messages. */
export function useChatShortcuts({ id, path, isRunning, actions }: Shown): void {
  const answer = path.findLast(({ role }) => role === 'assistant')
  const prompt = path.findLast(({ role }) => role === 'user')
  useShortcut('stop', () => stopRun(id), isRunning)
  useShortcut('copyLast', () => void navigator.clipboard.writeText(answer?.text ?? ''), answer !== undefined)
  useShortcut('regenerate', () => answer && actions.again(answer, {}), answer !== undefined && !isRunning)
  useShortcut('editLast', () => prompt && actions.startEdit(prompt.id), prompt !== undefined && !isRunning)
}
