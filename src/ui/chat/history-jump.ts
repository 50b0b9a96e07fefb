import { type RefObject, useEffect } from 'react'
import { useFilters } from '../parts/filters.ts'
import type { Message } from '../storage/documents.ts'
import { showBranch } from './actions.ts'

interface Place {
  readonly path: readonly Message[]
  readonly messages: readonly Message[]
  /** The first message that is drawn. */
  readonly from: number
  readonly more: () => void
  readonly scroller: RefObject<HTMLElement | null>
}

const shownMs = 2_000

/** Goes to the message that the address names, as hits of the search do: to its branch, back to it, and into view. */
export function useJump(chatId: string, { path, messages, from, more, scroller }: Place): void {
  const [{ message: wanted }, narrow] = useFilters()
  useEffect(() => {
    if (wanted === undefined) return
    const at = path.findIndex(({ id }) => id === wanted)
    if (at < 0) {
      if (messages.some(({ id }) => id === wanted)) showBranch(chatId, wanted)
      return
    }
    if (at < from) return more()
    const element = scroller.current?.querySelector(`[data-message="${CSS.escape(wanted)}"]`)
    element?.scrollIntoView({ block: 'center' })
    element?.animate([{ backgroundColor: 'var(--accent)' }, { backgroundColor: 'transparent' }], shownMs)
    narrow({ message: undefined })
  }, [wanted, chatId, path, messages, from, more, scroller, narrow])
}
