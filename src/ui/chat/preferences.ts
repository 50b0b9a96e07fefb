import { create } from 'zustand'
import { useSession } from '../client/session.ts'

/** What this browser remembers of how its people chat. */
interface Preferences {
  readonly lastModel: string | null
  readonly pins: readonly string[]
  readonly sort: 'best' | 'cheapest' | 'fastest'
}

const place = 'parley.chat'
const draftsPlace = 'parley.drafts'
const draftsMax = 50
const draftMax = 20_000
const pinsMax = 50

export const usePreferences = create<Preferences>(() => ({
  ...{ lastModel: null, pins: [], sort: 'best' },
  ...read<Partial<Preferences>>(place, {}),
}))

export function prefer(change: Partial<Preferences>): void {
  usePreferences.setState(change)
  write(place, usePreferences.getState())
}

export function togglePin(model: string): void {
  const { pins } = usePreferences.getState()
  prefer({ pins: pins.includes(model) ? pins.filter(pin => pin !== model) : [...pins, model].slice(-pinsMax) })
}

/** What was typed and not sent, by chat; the one without a name is the next chat. */
export function draftOf(chatId: string | undefined): string {
  if (chatId === undefined) return ''
  return read<Record<string, string>>(draftsPlace, {})[chatId] ?? ''
}

export function keepDraft(chatId: string | undefined, text: string): void {
  if (chatId === undefined || useSession.getState().state === 'signed_out') return
  const { [chatId]: before = '', ...others } = read<Record<string, string>>(draftsPlace, {})
  if (before === text) return
  const kept = text === '' || text.length > draftMax ? others : { ...others, [chatId]: text }
  write(draftsPlace, Object.fromEntries(Object.entries(kept).slice(-draftsMax)))
}

// Who signs out leaves no word behind.
useSession.subscribe((now, before) => {
  const isLeaving = before.state === 'signed_in' && now.state === 'signed_out' && now.problem === undefined
  if (isLeaving) write(draftsPlace, {})
})

function read<T extends object>(where: string, otherwise: T): T {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(where) ?? 'null')
    return typeof kept === 'object' && kept !== null ? (kept as T) : otherwise
  } catch {
    return otherwise
  }
}

function write(where: string, value: object): void {
  try {
    localStorage.setItem(where, JSON.stringify(value))
  } catch {
    // It counts until the page is left.
  }
}
