import type { Attachment, Chat, Message } from '../storage/documents.ts'
import { beginChat, changeChat, opened } from './desk.ts'
import { prefer } from './preferences.ts'
import type { Model } from './rank.ts'
import { isRunning, startRun, stopRun } from './runs.ts'
import { branchFrom, copyOfPath, erased, headWithout, leafUnder, pathTo } from './tree.ts'
import { titleOf } from './wire.ts'

/** What is done to a chat and its messages. */

export interface Prompt {
  readonly text: string
  readonly attachments: readonly Attachment[]
  readonly model: string
  readonly models: readonly Model[]
  /** Who alone is asked. */
  readonly provider?: string | undefined
}

/** Starts a chat with a first prompt; its id. */
export function sendFirst(prompt: Prompt, wish: Partial<Chat>, isTemporary: boolean): string {
  const { text, attachments, model } = prompt
  const chat = beginChat({ ...wish, title: titleOf(text, attachments), model }, isTemporary)
  send(chat.id, prompt)
  return chat.id
}

/** Adds a prompt below what is shown, and asks. A model that was named for this prompt alone does not become the chat's. */
export function send(chatId: string, prompt: Prompt, isForOnce = false): void {
  const found = opened(chatId)
  if (found === undefined || isRunning(chatId)) return
  const { chat, messages } = found
  const head = chat.headId === null ? null : leafUnder(messages, chat.headId)
  ask(chatId, head, prompt)
  if (!isForOnce) chooseModel(chatId, prompt.model)
}

/** The same place, said in other words: a branch of its own. */
export function sendEdited(chatId: string, message: Message, prompt: Prompt): void {
  if (!isRunning(chatId)) ask(chatId, message.parentId, prompt)
}

function ask(chatId: string, parentId: string | null, { text, attachments, model, models, provider }: Prompt): void {
  const now = Date.now()
  const message: Message = {
    ...{ id: crypto.randomUUID(), chatId, parentId, role: 'user', text, state: 'done', createdAt: now, updatedAt: now },
    ...(attachments.length > 0 && { attachments }),
  }
  changeChat(chatId, { headId: message.id }, [message])
  prefer({ lastModel: model })
  void startRun({ chatId, parentId: message.id, model, models, ...(provider !== undefined && { provider }) })
}

interface Again {
  readonly models: readonly Model[]
  readonly model?: string
  readonly provider?: string
}

/** Another answer beside this one. One that failed without a word makes room for it. */
export function answerAgain(chatId: string, message: Message, { models, model, provider }: Again): void {
  const { parentId } = message
  if (parentId === null || isRunning(chatId)) return
  const isEmpty = message.state === 'failed' && message.text === '' && (message.reasoning ?? '') === ''
  changeChat(chatId, { headId: parentId }, isEmpty ? [erased(message, Date.now())] : [])
  const chosen = model ?? message.model ?? opened(chatId)?.chat.model
  if (chosen === null || chosen === undefined) return
  if (model !== undefined) chooseModel(chatId, model)
  void startRun({ chatId, parentId, model: chosen, models, ...(provider !== undefined && { provider }) })
}

export function chooseModel(chatId: string, model: string): void {
  prefer({ lastModel: model })
  if (opened(chatId)?.chat.model !== model) changeChat(chatId, { model })
}

/** Shows the branch of another message. */
export function showBranch(chatId: string, id: string): void {
  const found = opened(chatId)
  if (found !== undefined && !isRunning(chatId)) changeChat(chatId, { headId: leafUnder(found.messages, id) })
}

export function deleteBranch(chatId: string, id: string): void {
  const found = opened(chatId)
  if (found === undefined) return
  stopRun(chatId)
  const now = Date.now()
  const gone = branchFrom(found.messages, id).map(message => erased(message, now))
  changeChat(chatId, { headId: headWithout(found.messages, id) }, gone)
}

/** A chat of its own that begins as this one does up to a message; its id. */
export function forkAt(chatId: string, id: string, title: string): string | undefined {
  const found = opened(chatId)
  if (found === undefined) return undefined
  const { chat, messages, isTemporary } = found
  const { model, systemPrompt, parameters, folderId } = chat
  const fork = beginChat({ title, model, systemPrompt, parameters, folderId }, isTemporary)
  const copies = copyOfPath(pathTo(messages, id), fork.id, () => crypto.randomUUID())
  changeChat(fork.id, { headId: copies.at(-1)?.id ?? null }, copies)
  return fork.id
}
