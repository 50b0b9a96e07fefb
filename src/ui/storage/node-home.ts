import { create } from 'zustand'
import { ApiError, api } from '../client/api.ts'
import { inTurn } from '../client/plain-http.ts'
import { type BrowserHome, createBrowserHome } from './browser-home.ts'
import type { ChatDatabase, Unsent } from './database.ts'
import type { Chat, Folder, Message } from './documents.ts'
import type { ChatHome } from './port.ts'
import { portions } from './portions.ts'

const pollMs = 30_000
const soonMs = 400
/** Between two exchanges, however often something changes: an answer that is written changes every second. */
const restMs = 2_000
const retryFirstMs = 2_000
const retryMostMs = 60_000
const pageRows = 100
const pagesMost = 200
/** What was being written while the last look was taken is seen by the next one. */
const overlapMs = 5_000
const sinceNote = 'since'

interface Sync {
  readonly state: 'idle' | 'working' | 'away'
  /** Chats and folders the node has not heard of. */
  readonly unsent: number
  /** What the node does not take, and why. */
  readonly refusals: readonly string[]
  readonly syncedAt: number | undefined
}

export const useSync = create<Sync>(() => ({ state: 'idle', unsent: 0, refusals: [], syncedAt: undefined }))

/**
 * The database of the node, with a copy in the browser: reading and writing are done there at once, and the two are brought
 * together whenever the node can be reached.
 */
export function createNodeHome(database: ChatDatabase): ChatHome {
  const local = createBrowserHome(database, { onWrite: changed => queue(database, changed) })
  const rhythm = createRhythm(() => exchange(database, local))
  const after = async <T>(work: Promise<T>) => {
    const done = await work
    rhythm.soon()
    return done
  }
  rhythm.soon()
  return {
    ...local,
    saveChat: (chat, messages) => after(local.saveChat(chat, messages)),
    removeChat: id => after(local.removeChat(id)),
    saveFolder: folder => after(local.saveFolder(folder)),
    removeFolder: id => after(local.removeFolder(id)),
    merge: collection => after(local.merge(collection)),
    clear: async () => {
      // Other devices hear of it only when it is said of each chat.
      for (const { id } of await local.listChats()) await local.removeChat(id)
      for (const { id } of await local.listFolders()) await local.removeFolder(id)
      rhythm.soon()
    },
    settle: () => exchange(database, local),
    close: () => {
      rhythm.stop()
      local.close()
    },
  }
}

async function queue({ unsent }: ChatDatabase, { kind, id, messageIds }: Unsent): Promise<void> {
  const there = await unsent.get([kind, id])
  const all = [...new Set([...(there?.messageIds ?? []), ...messageIds])]
  await unsent.put({ kind, id, messageIds: all, turn: (there?.turn ?? 0) + 1 })
}

/** When to bring both together: soon after a change, every now and then, later and later while the node is away. */
function createRhythm(work: () => Promise<void>) {
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let isStopped = false
  let running: Promise<void> | undefined
  let restUntil = 0
  const plan = (ms: number) => {
    clearTimeout(timer)
    if (!isStopped) timer = setTimeout(run, ms)
  }
  const run = () => {
    // A change that came meanwhile is for the next turn.
    if (running !== undefined) return plan(soonMs)
    running = work()
      .then(
        () => (failures = 0),
        () => (failures += 1),
      )
      .then(() => {
        running = undefined
        restUntil = performance.now() + restMs
        const pause = failures === 0 ? pollMs : Math.min(retryMostMs, retryFirstMs * 2 ** (failures - 1))
        plan(document.hidden && failures === 0 ? pollMs * 4 : pause)
      })
  }
  const soon = () => plan(Math.max(soonMs, restUntil - performance.now()))
  window.addEventListener('online', soon)
  document.addEventListener('visibilitychange', soon)
  return {
    soon,
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      window.removeEventListener('online', soon)
      document.removeEventListener('visibilitychange', soon)
    },
  }
}

/** Tabs take turns. */
async function exchange(database: ChatDatabase, local: BrowserHome): Promise<void> {
  await inTurn(`parley.sync.${database.name}`, async () => {
    if (!database.isOpen()) return
    useSync.setState({ state: 'working' })
    try {
      await send(database)
      await receive(database, local)
      useSync.setState({ state: 'idle', syncedAt: Date.now() })
    } catch (cause) {
      useSync.setState({ state: 'away' })
      throw cause
    } finally {
      if (database.isOpen()) await count(database)
    }
  })
}

async function count({ unsent }: ChatDatabase): Promise<void> {
  const waiting = await unsent.toArray()
  const refusals = [...new Set(waiting.flatMap(({ refusal }) => refusal ?? []))]
  useSync.setState({ unsent: waiting.length, refusals })
}

async function send(database: ChatDatabase): Promise<void> {
  const waiting = (await database.unsent.toArray()).filter(({ refusal }) => refusal === undefined)
  // A chat names its folder.
  const foldersFirst = waiting.toSorted((one, other) => (one.kind < other.kind ? 1 : -1))
  for (const item of foldersFirst) {
    try {
      await (item.kind === 'folder' ? sendFolder(database, item) : sendChat(database, item))
      await settle(database, item)
    } catch (cause) {
      if (!isRefusal(cause)) throw cause
      await settle(database, item, cause.message)
    }
  }
}

/** The node will say the same next time. */
function isRefusal(cause: unknown): cause is ApiError {
  if (!(cause instanceof ApiError) || cause.status === undefined) return false
  return cause.status >= 400 && cause.status < 500 && ![401, 403, 404, 408, 429].includes(cause.status)
}

/** What changed meanwhile waits for the next turn. */
async function settle({ unsent }: ChatDatabase, sent: Unsent, refusal?: string): Promise<void> {
  await unsent.db.transaction('rw', unsent, async () => {
    const now = await unsent.get([sent.kind, sent.id])
    if (now === undefined) return
    if (now.turn === sent.turn && refusal === undefined) await unsent.delete([sent.kind, sent.id])
    else if (now.turn === sent.turn) await unsent.put({ ...now, refusal })
    else if (refusal === undefined) {
      const done = new Set(sent.messageIds)
      await unsent.put({ ...now, messageIds: now.messageIds.filter(id => !done.has(id)) })
    }
  })
}

async function sendFolder({ folders }: ChatDatabase, { id }: Unsent): Promise<void> {
  const folder = await folders.get(id)
  if (folder !== undefined) await api('PUT /folders/:id', { params: { id }, body: folder })
}

async function sendChat({ chats, messages }: ChatDatabase, { id, messageIds }: Unsent): Promise<void> {
  const chat = await chats.get(id)
  if (chat === undefined) return
  const given = await messages.bulkGet(messageIds.map(message => [id, message]))
  const some = given.filter(message => message !== undefined)
  let refusal: unknown
  for (const portion of portions(some)) {
    try {
      await api('PUT /chats/:id', { params: { id }, body: { chat, messages: portion as never } })
    } catch (cause) {
      if (!isRefusal(cause)) throw cause
      // One message that is too large does not keep the others away.
      refusal ??= cause
    }
  }
  if (refusal !== undefined) throw refusal
}

async function receive({ notes }: ChatDatabase, local: BrowserHome): Promise<void> {
  const kept = (await notes.get(sinceNote))?.value
  const since = typeof kept === 'number' ? kept : 0
  const heads = await changedSince(since)
  const { data: folders } = await api('GET /folders')
  await local.take({ chats: [], messages: [], folders: folders.map(bareFolder) })
  for (const { id } of heads) {
    const { chat, messages } = await api('GET /chats/:id', { params: { id }, query: { since } })
    await local.take({ chats: [bareChat(chat)], messages: messages as readonly unknown[] as Message[], folders: [] })
  }
  const newest = Math.max(since, ...heads.map(({ changedAt }) => changedAt - overlapMs))
  if (newest !== since) await notes.put({ name: sinceNote, value: newest })
}

async function changedSince(since: number): Promise<readonly { readonly id: string; readonly changedAt: number }[]> {
  const found: { readonly id: string; readonly changedAt: number }[] = []
  for (let page = 1; page <= pagesMost; page++) {
    const { data } = await api('GET /chats', { query: { since, page, limit: pageRows } })
    found.push(...data)
    if (data.length < pageRows) break
  }
  return found
}

function bareChat({ changedAt: _, ...chat }: { readonly changedAt: number } & Chat): Chat {
  return chat
}

function bareFolder({ changedAt: _, ...folder }: { readonly changedAt: number } & Folder): Folder {
  return folder
}
