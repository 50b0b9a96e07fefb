import { create } from 'zustand'

const place = 'parley.folders'

function readOpen(): ReadonlySet<string> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(place) ?? '[]')
    return new Set(Array.isArray(kept) ? kept.filter(id => typeof id === 'string') : [])
  } catch {
    return new Set()
  }
}

/** Folders that are open in this browser. */
export const useOpenFolders = create<{ readonly ids: ReadonlySet<string> }>(() => ({ ids: readOpen() }))

const foldersMost = 500

export function openFolder(id: string, isOpen: boolean): void {
  const next = new Set(useOpenFolders.getState().ids)
  if (isOpen) next.add(id)
  else next.delete(id)
  useOpenFolders.setState({ ids: next })
  try {
    localStorage.setItem(place, JSON.stringify([...next].slice(-foldersMost)))
  } catch {
    // It counts until the page is left.
  }
}
