import { create } from 'zustand'
import { type LineName, lineNames } from './lines.ts'

const place = 'parley.checklist'

/** Lines somebody does not want to see; about this browser alone. */
export const useSkipped = create<{ readonly names: readonly LineName[] }>(() => ({ names: read() }))

export function skip(name: LineName): void {
  keep([...new Set([...useSkipped.getState().names, name])])
}

export function unskip(): void {
  keep([])
}

function keep(names: readonly LineName[]): void {
  useSkipped.setState({ names })
  try {
    localStorage.setItem(place, JSON.stringify(names))
  } catch {
    // It counts until the page is left.
  }
}

function read(): readonly LineName[] {
  try {
    const kept = JSON.parse(localStorage.getItem(place) ?? '[]') as unknown
    return Array.isArray(kept) ? lineNames.filter(name => kept.includes(name)) : []
  } catch {
    return []
  }
}
