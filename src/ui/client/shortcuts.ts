import { useEffect, useRef } from 'react'
import { tinykeys } from 'tinykeys'
import { create } from 'zustand'

/** Every shortcut there is. What a person has changed is kept in the browser. */
export const shortcuts = {
  palette: { keys: '$mod+k', area: 'app' },
  newChat: { keys: '$mod+Shift+o', area: 'app' },
  searchChats: { keys: '$mod+Shift+f', area: 'app' },
  sidebar: { keys: '$mod+b', area: 'app' },
  help: { keys: '$mod+Slash', area: 'app' },
  focusComposer: { keys: 'Shift+Escape', area: 'chat' },
  stop: { keys: 'Escape', area: 'chat' },
  copyLast: { keys: '$mod+Shift+c', area: 'chat' },
  regenerate: { keys: '$mod+Shift+g', area: 'chat' },
  editLast: { keys: '$mod+Shift+e', area: 'chat' },
  pickModel: { keys: '$mod+Shift+m', area: 'chat' },
  temporary: { keys: '$mod+Shift+h', area: 'chat' },
} as const

/** What no page hears, because browsers keep it for their tabs and windows; the last two load the page anew. */
const taken = ['n', 't', 'w', 'Shift+n', 'Shift+t', 'Shift+w', 'Shift+q', 'q', 'Tab', 'Shift+Tab', 'r', 'Shift+r']
const reserved = new Set(taken.map(keys => `$mod+${keys}`.toLowerCase()))

export function isReserved(keys: string): boolean {
  return reserved.has(keys.toLowerCase())
}

export type ShortcutName = keyof typeof shortcuts

const place = 'parley.shortcuts'

interface Bindings {
  readonly changed: Partial<Record<ShortcutName, string>>
}

export const useBindings = create<Bindings>(() => ({ changed: read() }))

export function keysOf(name: ShortcutName): string {
  return useBindings.getState().changed[name] ?? shortcuts[name].keys
}

/** Null brings back what is usual. */
export function rebind(name: ShortcutName, keys: string | null): void {
  const { [name]: _, ...others } = useBindings.getState().changed
  const changed = keys === null ? others : { ...others, [name]: keys }
  useBindings.setState({ changed })
  try {
    localStorage.setItem(place, JSON.stringify(changed))
  } catch {
    // It counts until the page is left.
  }
}

function read(): Bindings['changed'] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(place) ?? '{}')
    const entries = typeof kept === 'object' && kept !== null ? Object.entries(kept) : []
    return Object.fromEntries(entries.filter(([name, keys]) => name in shortcuts && typeof keys === 'string'))
  } catch {
    return {}
  }
}

const isWritten = 'input, select, textarea, [contenteditable]'

/** Where one writes a letter is a letter; what no letter is made of counts there too. */
function isWriting({ target }: KeyboardEvent, keys: string): boolean {
  if (/\$mod|Control|Meta|Alt|Escape|F\d/.test(keys)) return false
  return target instanceof Element && target.matches(isWritten)
}

/** Does something when its keys are pressed, wherever the focus is; the newest listener of a name alone is asked. */
export function useShortcut(name: ShortcutName, act: (event: KeyboardEvent) => void, isOn = true): void {
  const latest = useRef(act)
  latest.current = act
  const keys = useBindings(({ changed }) => changed[name] ?? shortcuts[name].keys)
  useEffect(() => {
    if (!isOn) return
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return
      if (keys !== 'Escape') event.preventDefault()
      latest.current(event)
    }
    return tinykeys(
      window,
      { [keys]: press },
      { ignore: event => event.repeat || event.isComposing || isWriting(event, keys) },
    )
  }, [keys, isOn])
}
