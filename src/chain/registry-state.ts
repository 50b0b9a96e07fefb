import { isDeepStrictEqual } from 'node:util'
import type { Address, EventLog, ParleyError, ProviderDirectory, ProviderEntry } from '../core/index.ts'
import type { RegistrySnapshot } from './registry-cache.ts'
import type { RegistryView } from './registry-follow.ts'

/** What a directory knows, how well, and who wants to hear of it. */
export class RegistryState {
  /** Undefined until the chain was read in this run. */
  view: RegistryView | undefined
  /** When everything was read last (Unix milliseconds). */
  wholeAt = 0
  #snapshot: RegistrySnapshot | undefined
  #list: readonly ProviderEntry[] = []
  #byPeerId = new Map<string, ProviderEntry>()
  #error: string | undefined
  readonly #listeners = new Set<() => void>()
  readonly #log: EventLog

  constructor(log: EventLog) {
    this.#log = log
  }

  list(): readonly ProviderEntry[] {
    return this.#list
  }

  byPeerId(peerId: string): ProviderEntry | undefined {
    return this.#byPeerId.get(peerId)
  }

  freshness(now: number, staleMs: number): ReturnType<ProviderDirectory['freshness']> {
    const { readAt, blockNumber } = this.#snapshot ?? {}
    const isStale = readAt === undefined || this.#error !== undefined || now - readAt > staleMs
    return { readAt, blockNumber, isStale, error: this.#error }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Takes in what is known from an earlier run. */
  remember(snapshot: RegistrySnapshot): void {
    this.#show(snapshot)
  }

  /** Takes in what was read; tells whether any entry changed. */
  accept(view: RegistryView, isWhole: boolean): boolean {
    const before = this.#snapshot?.entries
    const hasChanged = isWhole ? !isDeepStrictEqual(before, view.entries) : before !== view.entries
    const wasSilent = this.#error !== undefined
    this.view = view
    if (isWhole) this.wholeAt = view.readAt
    this.#error = undefined
    this.#snapshot = view
    if (hasChanged) this.#show(view)
    if (isWhole || hasChanged || wasSilent) {
      this.#log.emit({ type: 'registry.read', providers: view.entries.size, blockNumber: view.blockNumber })
    }
    return hasChanged
  }

  /** Notes why the chain could not be read; an outage is one event, however long. */
  reject(error: ParleyError): void {
    const isNew = this.#error === undefined
    this.#error = error.message
    if (!isNew) return
    this.#log.emit({ type: 'registry.unavailable', message: error.message, usingCache: this.#list.length > 0 })
  }

  #show(snapshot: RegistrySnapshot): void {
    this.#snapshot = snapshot
    this.#list = [...snapshot.entries.values()]
    this.#byPeerId = highestStakes(snapshot.entries)
    for (const listener of this.#listeners) {
      try {
        listener()
      } catch {
        // As in the event log: a listener that throws is dropped.
        this.#listeners.delete(listener)
      }
    }
  }
}

/** Anybody may register with the peer id of another; who has more at stake is likelier to be the owner. */
function highestStakes(entries: ReadonlyMap<Address, ProviderEntry>): Map<string, ProviderEntry> {
  const found = new Map<string, ProviderEntry>()
  for (const entry of entries.values()) {
    const other = found.get(entry.peerId)
    if (entry.peerId !== '' && (other === undefined || entry.stake > other.stake)) found.set(entry.peerId, entry)
  }
  return found
}
