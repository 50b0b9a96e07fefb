import i18next from 'i18next'
import { create } from 'zustand'
import { ApiError, type Connection } from '../../../openai/stream-client.ts'
import { connectTo } from '../../client/connection.ts'
import { isNode } from '../../client/session.ts'
import { secretOf, used, useVault } from '../vault.ts'

/** An AI service this browser talks to. Nothing secret is in it. */
export interface ConnectionEntry {
  readonly id: string
  readonly name: string
  readonly baseUrl: string
  /** What is put before the address of a service that refuses browsers. */
  readonly proxyUrl: string
  /** Where its key is; `none` when it needs none. */
  readonly kept: 'none' | 'memory' | 'vault'
}

interface Connections {
  readonly entries: readonly ConnectionEntry[]
  /** The one the chat uses. */
  readonly activeId: string | undefined
}

const place = 'parley.connections'
const entriesMost = 50

export const useConnections = create<Connections>(() => read())

function read(): Connections {
  try {
    const { entries = [], activeId } = JSON.parse(localStorage.getItem(place) ?? '{}') as Partial<Connections>
    return { entries: entries.filter(isEntry).slice(0, entriesMost), activeId }
  } catch {
    return { entries: [], activeId: undefined }
  }
}

export function isEntry(value: unknown): value is ConnectionEntry {
  if (typeof value !== 'object' || value === null) return false
  const { id, name, baseUrl, proxyUrl, kept } = value as Record<string, unknown>
  const areTexts = [id, name, baseUrl, proxyUrl].every(text => typeof text === 'string' && text.length <= 2_000)
  return areTexts && ['none', 'memory', 'vault'].includes(kept as string)
}

function write(next: Connections): void {
  useConnections.setState(next)
  try {
    localStorage.setItem(place, JSON.stringify(next))
  } catch {
    // It counts until the page is left.
  }
}

export function keepEntry(entry: ConnectionEntry): void {
  const { entries, activeId } = useConnections.getState()
  const isThere = entries.some(({ id }) => id === entry.id)
  const next = isThere ? entries.map(each => (each.id === entry.id ? entry : each)) : [...entries, entry]
  write({ entries: next.slice(0, entriesMost), activeId: activeId ?? entry.id })
}

export function removeEntry(id: string): void {
  const { entries, activeId } = useConnections.getState()
  const rest = entries.filter(entry => entry.id !== id)
  write({ entries: rest, activeId: activeId === id ? rest[0]?.id : activeId })
}

export function activate(id: string): void {
  write({ ...useConnections.getState(), activeId: id })
}

export type Readiness = 'ready' | 'locked' | 'missing'

export function readinessOf(entry: ConnectionEntry, vault = useVault.getState()): Readiness {
  const { kept } = entry
  if (kept === 'none' || secretOf(entry, vault) !== undefined) return 'ready'
  return kept === 'vault' && vault.state === 'locked' ? 'locked' : 'missing'
}

/** How a service is asked; the key is looked up when it is needed, and is in no address. */
export function connectionOf(entry: ConnectionEntry): Connection {
  const { baseUrl, proxyUrl, id, kept } = entry
  /** A request that was meant for an earlier address does not get the key of the newer one. */
  const isAsBefore = () => {
    const now = useConnections.getState().entries.find(each => each.id === id)
    return now !== undefined && now.baseUrl === baseUrl && now.proxyUrl === proxyUrl
  }
  const proxied = proxyUrl === '' ? baseUrl : `${proxyUrl.replace(/\/+$/, '')}/${baseUrl}`
  return {
    baseUrl: proxied,
    key: async () => {
      used()
      const secret = isAsBefore() ? secretOf(entry) : undefined
      if (secret === undefined && kept !== 'none')
        throw new ApiError('locked', i18next.t('storage.connections.keyLocked'))
      return secret?.key ?? ''
    },
    headers: secretOf(entry)?.headers ?? {},
  }
}

/** Lets the chat use what is chosen, now and whenever it changes. For a client without a node. */
export function startConnections(): void {
  if (isNode) return
  const apply = () => {
    const { entries, activeId } = useConnections.getState()
    const entry = entries.find(({ id }) => id === activeId)
    const isReady = entry !== undefined && readinessOf(entry) === 'ready'
    connectTo(isReady ? connectionOf(entry) : undefined, entry?.name)
  }
  apply()
  // Tabs agree on what there is.
  addEventListener('storage', ({ key }) => {
    if (key === place || key === null) useConnections.setState(read(), true)
  })
  useConnections.subscribe(apply)
  useVault.subscribe(apply)
}
