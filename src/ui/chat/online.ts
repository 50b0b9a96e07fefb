import { useSyncExternalStore } from 'react'

function listen(changed: () => void): () => void {
  addEventListener('online', changed)
  addEventListener('offline', changed)
  return () => {
    removeEventListener('online', changed)
    removeEventListener('offline', changed)
  }
}

/** Whether the browser says that there is no network. */
export function useIsOffline(): boolean {
  return useSyncExternalStore(listen, () => !navigator.onLine)
}
