export type ChangeListener = (chatId: string | undefined) => void

/** Tells of changes, to who listens in this tab and to other tabs of the same store. */
export interface Changes {
  readonly tell: (chatId: string | undefined) => void
  readonly listen: (listener: ChangeListener) => () => void
  readonly close: () => void
}

export function createChanges(name: string): Changes {
  const listeners = new Set<ChangeListener>()
  const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name)
  const call = (chatId: string | undefined) => {
    for (const listener of [...listeners]) listener(chatId)
  }
  channel?.addEventListener('message', ({ data }) => call(typeof data === 'string' ? data : undefined))
  return {
    tell: chatId => {
      call(chatId)
      channel?.postMessage(chatId)
    },
    listen: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => {
      listeners.clear()
      channel?.close()
    },
  }
}
