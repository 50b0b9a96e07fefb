import { create } from 'zustand'
import { isNode, useSession } from '../client/session.ts'

export type HomeKind = 'browser' | 'file' | 'node'

/** What a person has chosen about where chats live; kept in the browser, for each who signs in here apart. */
export interface StorageChoice {
  readonly home: HomeKind
  /** Chats nobody touched for so many days are deleted; never when missing. */
  readonly retentionDays?: number
  /** When a copy was last saved as a file. */
  readonly savedAt?: number
}

const usual: StorageChoice = { home: 'browser' }
const kinds: readonly string[] = ['browser', 'file', 'node'] satisfies readonly HomeKind[]

/** Whose chats these are: people who share a browser do not share chats. */
export function ownerName(me = useSession.getState().me): string {
  const id = me?.user?.id
  return id === undefined ? 'parley' : `parley-${id}`
}

const place = () => `parley.storage.${ownerName()}`

export const useStorageChoice = create<StorageChoice>(() => usual)

export function readChoice(): StorageChoice {
  try {
    const kept = JSON.parse(localStorage.getItem(place()) ?? '{}') as Partial<StorageChoice>
    const home = kinds.includes(kept.home ?? '') && (kept.home !== 'node' || isNode) ? kept.home! : usual.home
    return {
      home,
      ...(typeof kept.retentionDays === 'number' && { retentionDays: kept.retentionDays }),
      ...(typeof kept.savedAt === 'number' && { savedAt: kept.savedAt }),
    }
  } catch {
    return usual
  }
}

export function keepChoice(change: Partial<StorageChoice>): void {
  const choice = { ...readChoice(), ...change }
  useStorageChoice.setState(choice, true)
  try {
    localStorage.setItem(place(), JSON.stringify(choice))
  } catch {
    // It counts until the page is left.
  }
}
