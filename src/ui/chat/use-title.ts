import { useEffect } from 'react'

/** Names the tab while a chat is shown. */
export function useTitle(title: string): void {
  useEffect(() => {
    const before = document.title
    document.title = `${title} – Parley`
    return () => {
      document.title = before
    }
  }, [title])
}
