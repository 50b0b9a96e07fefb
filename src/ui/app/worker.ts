import i18next from 'i18next'
import { toast } from 'sonner'

const settledMs = 5_000

/** Offers to load the pages anew when a part of them is gone, or another tab has a newer version. */
export function watchVersion(): void {
  addEventListener('vite:preloadError', offerReload)
  addEventListener('parley:outdated', offerReload)
}

/** Lets the pages open without a network, in builds alone; what it keeps is in `public/sw.js`. */
export function startWorker(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if (data === 'updated') offerReload()
  })
  void navigator.serviceWorker
    .register('/sw.js')
    .then(() => setTimeout(() => void tellLoaded(), settledMs))
    // Without it the pages work as long as there is a network.
    .catch(() => undefined)
}

/** What was loaded before the worker was there. */
async function tellLoaded(): Promise<void> {
  const { active } = await navigator.serviceWorker.ready
  const loaded = performance
    .getEntriesByType('resource')
    .map(({ name }) => new URL(name))
    .filter(({ origin }) => origin === location.origin)
    .map(({ pathname }) => pathname)
  active?.postMessage({ loaded })
}

function offerReload(): void {
  toast(i18next.t('storage.app.updated'), {
    id: 'update',
    duration: Number.POSITIVE_INFINITY,
    action: { label: i18next.t('storage.app.reload'), onClick: () => location.reload() },
  })
}
