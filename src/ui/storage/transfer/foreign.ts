import type { Chat, Message } from '../documents.ts'
import { isRecord, isUuid, mended, own, type Source } from './check.ts'
import { arrayOf } from './own-format.ts'
import { createReport, type Draft } from './report.ts'

/** Conversations as other programs export them. Their trees have nodes we do not show: what hangs on one moves up. */

interface Node {
  readonly id: string
  readonly parent: string | undefined
  /** Undefined for what is no message of a person or a model. */
  readonly message: Omit<Message, 'id' | 'chatId' | 'parentId' | 'updatedAt'> | undefined
}

interface Tree {
  readonly id: string
  readonly title: string
  readonly model: string | null
  readonly systemPrompt: string
  readonly isPinned: boolean
  readonly head: string | undefined
  readonly createdAt: number
  readonly updatedAt: number
  readonly nodes: readonly Node[]
}

const titleMost = 500
const textMost = 4 * 1024 * 1024
const nodesMost = 50_000

export function isChatGpt(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.some(entry => isRecord(own(entry, 'mapping')))
}

export function isOpenWebUi(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.some(entry => openWebUiHistory(entry) !== undefined)
}

export async function readChatGpt(entries: readonly unknown[]): Promise<Draft> {
  return readTrees(entries, chatGptTree)
}

export async function readOpenWebUi(entries: readonly unknown[]): Promise<Draft> {
  return readTrees(entries, openWebUiTree)
}

async function readTrees(entries: readonly unknown[], treeOf: (entry: unknown) => Tree | undefined): Promise<Draft> {
  const report = createReport()
  for (const entry of entries) {
    const title = str(own(entry, 'title')) ?? '–'
    const tree = treeOf(entry)
    if (tree === undefined) report.skip('chat', title.slice(0, 80))
    else if (!tree.nodes.some(({ message }) => message !== undefined)) report.skip('empty', title.slice(0, 80))
    else report.chat(...(await planted(tree)))
  }
  return report.draft()
}

function chatGptTree(entry: unknown): Tree | undefined {
  const mapping = own(entry, 'mapping')
  if (!isRecord(mapping) || Object.keys(mapping).length > nodesMost) return undefined
  const createdAt = seconds(own(entry, 'create_time')) ?? 0
  const nodes = Object.keys(mapping).map((id): Node => {
    const node = own(mapping, id)
    const message = own(node, 'message')
    return { id, parent: str(own(node, 'parent')), message: chatGptMessage(message, createdAt) }
  })
  return {
    id: str(own(entry, 'conversation_id')) ?? str(own(entry, 'id')) ?? '',
    title: str(own(entry, 'title')) ?? '',
    model: str(own(entry, 'default_model_slug')) ?? null,
    systemPrompt: '',
    isPinned: own(entry, 'is_starred') === true,
    head: str(own(entry, 'current_node')),
    createdAt,
    updatedAt: seconds(own(entry, 'update_time')) ?? createdAt,
    nodes,
  }
}

function chatGptMessage(message: unknown, usual: number): Node['message'] {
  const role = own(own(message, 'author'), 'role')
  const content = own(message, 'content')
  const text = chatGptText(content)
  const isHidden = own(own(message, 'metadata'), 'is_visually_hidden_from_conversation') === true
  if ((role !== 'user' && role !== 'assistant') || text === '' || isHidden) return undefined
  const model = str(own(own(message, 'metadata'), 'model_slug'))
  return {
    role,
    text,
    ...(role === 'assistant' && model !== undefined && { model: model.slice(0, 300) }),
    state: own(message, 'status') === 'in_progress' ? 'cut' : 'done',
    createdAt: seconds(own(message, 'create_time')) ?? usual,
  }
}

function chatGptText(content: unknown): string {
  const kind = own(content, 'content_type')
  if (kind === 'code') return `\`\`\`\n${str(own(content, 'text')) ?? ''}\n\`\`\``
  if (kind !== 'text' && kind !== 'multimodal_text') return ''
  return arrayOf(own(content, 'parts'))
    .map(part => str(part) ?? str(own(part, 'text')) ?? '')
    .filter(part => part !== '')
    .join('\n\n')
}

function openWebUiHistory(entry: unknown): Source | undefined {
  const chat = own(entry, 'chat') ?? entry
  const messages = own(own(chat, 'history'), 'messages')
  return isRecord(messages) ? messages : undefined
}

function openWebUiTree(entry: unknown): Tree | undefined {
  const chat = own(entry, 'chat') ?? entry
  const messages = openWebUiHistory(entry)
  if (messages === undefined || Object.keys(messages).length > nodesMost) return undefined
  const createdAt = seconds(own(entry, 'created_at')) ?? time(own(chat, 'timestamp')) ?? 0
  const nodes = Object.keys(messages).map((id): Node => {
    const message = own(messages, id)
    return { id, parent: str(own(message, 'parentId')), message: openWebUiMessage(message, createdAt) }
  })
  return {
    id: str(own(entry, 'id')) ?? str(own(chat, 'id')) ?? '',
    title: str(own(entry, 'title')) ?? str(own(chat, 'title')) ?? '',
    model: str(arrayOf(own(chat, 'models'))[0]) ?? null,
    systemPrompt: str(own(own(chat, 'params'), 'system')) ?? str(own(chat, 'system')) ?? '',
    isPinned: own(entry, 'pinned') === true,
    head: str(own(own(chat, 'history'), 'currentId')),
    createdAt,
    updatedAt: seconds(own(entry, 'updated_at')) ?? createdAt,
    nodes,
  }
}

function openWebUiMessage(message: unknown, usual: number): Node['message'] {
  const role = own(message, 'role')
  const text = str(own(message, 'content')) ?? ''
  if ((role !== 'user' && role !== 'assistant') || text === '') return undefined
  const model = str(own(message, 'model'))
  return {
    role,
    text,
    ...(role === 'assistant' && model !== undefined && { model: model.slice(0, 300) }),
    state: 'done',
    createdAt: seconds(own(message, 'timestamp')) ?? usual,
  }
}

async function planted(tree: Tree): Promise<readonly [Chat, readonly Message[]]> {
  const id = await uuidOf(tree.id, `${tree.title} ${tree.createdAt}`)
  const byId = new Map(tree.nodes.map(node => [node.id, node]))
  const shown = shownAncestors(byId)
  const messages = tree.nodes.flatMap(({ id: nodeId, parent, message }): Message[] => {
    if (message === undefined) return []
    const parentId = parent === undefined ? undefined : shown(parent)
    const part = { id: partIdOf(nodeId), chatId: id, parentId: parentId === undefined ? null : partIdOf(parentId) }
    return [{ ...part, ...message, text: message.text.slice(0, textMost), updatedAt: message.createdAt }]
  })
  const head = tree.head === undefined ? undefined : shown(tree.head)
  const chat: Chat = {
    id,
    title: tree.title.slice(0, titleMost),
    folderId: null,
    isPinned: tree.isPinned,
    model: tree.model?.slice(0, 300) ?? null,
    systemPrompt: tree.systemPrompt.slice(0, 256 * 1024),
    parameters: {},
    headId: head === undefined ? (messages.at(-1)?.id ?? null) : partIdOf(head),
    createdAt: tree.createdAt,
    updatedAt: tree.updatedAt,
    deletedAt: null,
  }
  return [chat, mended(messages)]
}

/** The nearest node at or above one that is a message; each is looked up once, circles end. */
function shownAncestors(byId: ReadonlyMap<string, Node>): (id: string) => string | undefined {
  const known = new Map<string, string | undefined>()
  return id => {
    const path: string[] = []
    let at: string | undefined = id
    while (at !== undefined && !known.has(at)) {
      const node = byId.get(at)
      if (node?.message !== undefined) {
        known.set(at, at)
        break
      }
      known.set(at, undefined)
      path.push(at)
      at = node?.parent
    }
    const found = at === undefined ? undefined : known.get(at)
    for (const each of path) known.set(each, found)
    return found
  }
}

function str(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

const latestMs = Date.UTC(9999, 11, 31)

function time(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= latestMs ? Math.trunc(value) : undefined
}

/** Some write milliseconds where they say seconds. */
function seconds(value: unknown): number | undefined {
  return typeof value === 'number' && value < 1e11 ? time(value * 1_000) : time(value)
}

/** The same thing read twice has the same id, so that it is merged and not doubled. */
async function uuidOf(given: string, otherwise: string): Promise<string> {
  const lower = given.toLowerCase()
  if (isUuid(lower)) return lower
  const seed = new TextEncoder().encode(given === '' ? otherwise : given)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', seed))
  const hex = Array.from(hash.subarray(0, 16), byte => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function partIdOf(id: string): string {
  if (/^[\w-]{1,64}$/.test(id)) return id
  // Unusual ids keep their difference.
  let hash = 0xcbf29ce484222325n
  for (const letter of id) hash = BigInt.asUintN(64, (hash ^ BigInt(letter.codePointAt(0)!)) * 0x100000001b3n)
  return `x${hash.toString(16)}`
}
