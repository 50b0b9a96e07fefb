import { create } from 'zustand'

/** What a person has chosen for this browser, whatever page asks. */
export interface Preferences {
  /** What sends a message; the other one breaks the line. */
  readonly sendKey: 'enter' | 'mod_enter'
  /** The model of a new chat; that of the last one when null. */
  readonly startModel: string | null
}

const place = 'parley.preferences'
const usual: Preferences = { sendKey: 'enter', startModel: null }

export const usePreferences = create<Preferences>(read)

export function prefer(change: Partial<Preferences>): void {
  usePreferences.setState(change)
  try {
    localStorage.setItem(place, JSON.stringify(usePreferences.getState()))
  } catch {
    // It counts until the page is left.
  }
}

/** Whether these keys send what was typed. */
export function sends(event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'isComposing'>): boolean {
  if (event.key !== 'Enter' || event.isComposing) return false
  const isMod = event.ctrlKey || event.metaKey
  return usePreferences.getState().sendKey === 'enter' ? !event.shiftKey : isMod
}

function read(): Preferences {
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(place) ?? '{}') as Partial<Preferences>) }
  } catch {
    return usual
  }
}
