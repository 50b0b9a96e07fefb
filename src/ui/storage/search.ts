import MiniSearch, { type Query, type SearchResult } from 'minisearch'
import type { Chat, Message } from './documents.ts'
import type { ChatStore } from './port.ts'
import { folded, type Piece, piecesOf } from './snippet.ts'

export interface Hit {
  readonly chatId: string
  /** Undefined where the title fits. */
  readonly messageId: string | undefined
  readonly title: string
  /** Around what fits. */
  readonly pieces: readonly Piece[]
  readonly at: number
}

interface Entry {
  readonly id: string
  readonly chatId: string
  readonly messageId: string | undefined
  readonly title: string
  readonly text: string
  readonly at: number
}

/** Characters of one message that are looked through. */
const textMost = 50_000
const entriesAtOnce = 50
const hitsMost = 100
const hitsOfChat = 3
const settleMs = 400
/** Letters of the beginning of a word, how many words may begin so, and how often they may stand there altogether. */
const prefixLeast = 2
const expansionsMost = 50
const placesMost = 8_000

/** Full-text search over all chats, made while the page has nothing else to do, and kept up to date. */
export interface ChatSearch {
  readonly search: (query: string) => readonly Hit[]
  readonly isReady: () => boolean
  /** Until everything that was there is found. */
  readonly ready: Promise<void>
  readonly onChange: (listener: () => void) => () => void
  readonly stop: () => void
}

export function createChatSearch(store: ChatStore, idle: () => Promise<void> = whenIdle): ChatSearch {
  /** Every word there is, and about how often. */
  const words = new Map<string, number>()
  const index = new MiniSearch<Entry>({
    fields: ['title', 'text'],
    storeFields: ['chatId', 'messageId', 'title', 'text', 'at'],
    processTerm: term => {
      const word = folded(term)
      words.set(word, (words.get(word) ?? 0) + 1)
      return word
    },
    searchOptions: { boost: { title: 3 }, combineWith: 'AND', processTerm: folded },
  })
  const chats = new Map<string, Chat>()
  /** What is in the index: chat → message (or '' for the title) → when it changed. */
  const known = new Map<string, Map<string, number>>()
  const listeners = new Set<() => void>()
  let isReady = false
  let isStopped = false

  const put = (entry: Entry, changedAt: number) => {
    const ofChat = known.get(entry.chatId) ?? new Map<string, number>()
    known.set(entry.chatId, ofChat)
    const part = entry.messageId ?? ''
    if (ofChat.get(part) === changedAt) return
    if (ofChat.has(part)) index.replace(entry)
    else index.add(entry)
    ofChat.set(part, changedAt)
  }
  const putChat = (chat: Chat) => {
    chats.set(chat.id, chat)
    const { id, title, updatedAt } = chat
    put({ id: idOf(id, ''), chatId: id, messageId: undefined, title, text: '', at: updatedAt }, updatedAt)
  }
  const putMessage = ({ chatId, id, text, updatedAt, createdAt }: Message) => {
    const entry = {
      id: idOf(chatId, id),
      chatId,
      messageId: id,
      title: '',
      text: text.slice(0, textMost),
      at: createdAt,
    }
    put(entry, updatedAt)
  }
  const dropChat = (chatId: string) => {
    for (const part of known.get(chatId)?.keys() ?? []) index.discard(idOf(chatId, part))
    known.delete(chatId)
    chats.delete(chatId)
  }
  const readAll = async () => {
    const heads = await store.listChats()
    const living = new Set(heads.map(({ id }) => id))
    for (const id of [...known.keys()]) if (!living.has(id)) dropChat(id)
    for (const some of portionsOf(heads)) {
      await idle()
      some.forEach(putChat)
    }
    for await (const batch of store.allMessages()) {
      for (const some of portionsOf(batch)) {
        await idle()
        if (isStopped) return
        some.filter(({ chatId }) => living.has(chatId)).forEach(putMessage)
      }
    }
  }
  const readOne = async (chatId: string) => {
    const found = await store.getChat(chatId)
    if (found === undefined) return dropChat(chatId)
    putChat(found.chat)
    found.messages.forEach(putMessage)
  }

  let waiting: Set<string> | 'all' = new Set()
  let timer: ReturnType<typeof setTimeout> | undefined
  let work: Promise<void> = Promise.resolve()
  const settle = () => {
    const now = waiting
    waiting = new Set()
    work = work
      .then(async () => {
        if (now === 'all') await readAll()
        else for (const id of now) await readOne(id)
        for (const listener of [...listeners]) listener()
      })
      // What could not be read now is read with the next change.
      .catch(() => undefined)
  }
  const stopListening = store.onChange(chatId => {
    if (chatId === undefined) waiting = 'all'
    else if (waiting !== 'all') waiting.add(chatId)
    clearTimeout(timer)
    timer = setTimeout(settle, settleMs)
  })
  work = readAll().catch(() => undefined)
  const ready = work.then(() => {
    isReady = true
    for (const listener of [...listeners]) listener()
  })

  return {
    search: query => hitsOf(index.search(queryOf(query, words)), chats),
    isReady: () => isReady,
    ready,
    onChange: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      stopListening()
    },
  }
}

/**
 * All words, the last one also as the beginning of others. Of those only so many are looked up that it stays quick: the shortest,
 * which are nearest to what was typed.
 */
function queryOf(query: string, words: ReadonlyMap<string, number>): Query {
  const all = (query.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).map(folded)
  const last = all.pop()
  if (last === undefined) return { queries: [] }
  const longer =
    last.length < prefixLeast ? [] : [...words.keys()].filter(word => word !== last && word.startsWith(last))
  const chosen = [last]
  let places = words.get(last) ?? 0
  for (const word of longer.toSorted((one, other) => one.length - other.length)) {
    places += words.get(word)!
    if (chosen.length >= expansionsMost || places > placesMost) break
    chosen.push(word)
  }
  return { combineWith: 'AND', queries: [...all, { combineWith: 'OR', queries: chosen }] }
}

/** A few of each chat, best first. */
function hitsOf(results: readonly SearchResult[], chats: ReadonlyMap<string, Chat>): readonly Hit[] {
  const counts = new Map<string, number>()
  const hits: Hit[] = []
  for (const { chatId, messageId, title, text, at, terms } of results as (SearchResult & Entry)[]) {
    const chat = chats.get(chatId)
    const count = counts.get(chatId) ?? 0
    if (chat === undefined || count >= hitsOfChat) continue
    counts.set(chatId, count + 1)
    const words = new Set(terms)
    hits.push({
      chatId,
      messageId,
      title: chat.title,
      pieces: piecesOf(messageId === undefined ? title : text, words),
      at,
    })
    if (hits.length >= hitsMost) break
  }
  return hits
}

function idOf(chatId: string, part: string): string {
  return `${chatId}/${part}`
}

function* portionsOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += entriesAtOnce) yield items.slice(at, at + entriesAtOnce)
}

const idleMostMs = 500

function whenIdle(): Promise<void> {
  return new Promise(resolve => {
    if (typeof requestIdleCallback === 'undefined') setTimeout(resolve, 0)
    else requestIdleCallback(() => resolve(), { timeout: idleMostMs })
  })
}
