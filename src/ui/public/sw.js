// Keeps what the pages are made of, so that they open without a network. Never what is said: calls to /v1 and /api, and to
// other origins, are not seen here.
const prefix = 'parley-shell-'
const shell = '/'
const waitMs = 4_000
const keptCaches = 2

self.addEventListener('install', event => {
  event.waitUntil(refresh().finally(() => self.skipWaiting()))
})

self.addEventListener('activate', event => {
  event.waitUntil(self.clients.claim())
})

// A page tells what it has loaded before this worker was there.
self.addEventListener('message', event => {
  const { loaded } = event.data ?? {}
  if (Array.isArray(loaded)) event.waitUntil(keep(loaded.filter(isAsset)))
})

self.addEventListener('fetch', event => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin) return
  if (request.mode === 'navigate') {
    if (!/^\/(?:v1|api|healthz|metrics|rerank)(?:\/|$)/.test(url.pathname)) event.respondWith(page(request))
  } else if (isAsset(url.pathname)) event.respondWith(asset(request))
})

function isAsset(path) {
  return typeof path === 'string' && /^\/(?:assets\/[\w.-]+|icon[\w-]*\.(?:svg|png)|manifest\.webmanifest)$/.test(path)
}

/** From the network, and what was kept where that says nothing; some hosts know no address but the first. */
async function page(request) {
  const response = await fetch(request, { signal: AbortSignal.timeout(waitMs) }).catch(() => undefined)
  if (response !== undefined && isPage(response)) void refresh(response.clone()).catch(() => undefined)
  if (response !== undefined && response.status < 500 && response.status !== 404) return response
  return (await (await newest()).match(shell)) ?? response ?? Response.error()
}

/** Their names change with their content. */
async function asset(request) {
  const kept = await caches.match(request)
  if (kept !== undefined) return kept
  const response = await fetch(request)
  if (isWhole(response) && !isHtml(response)) {
    const copy = response.clone()
    void newest()
      .then(cache => cache.put(request, copy))
      // A full disk keeps nothing more, and the page goes on.
      .catch(() => undefined)
  }
  return response
}

/** Not a part of a file, an error, or what another origin says. */
function isWhole(response) {
  return response.status === 200 && response.type === 'basic'
}

/** Hosts that answer everything with the page say so of files that are gone, too. */
function isHtml(response) {
  return (response.headers.get('content-type') ?? '').includes('text/html')
}

/** Texts and pictures are navigated to as well. */
function isPage(response) {
  return isWhole(response) && isHtml(response) && !response.redirected
}

/** Each version of the pages has a cache; open tabs may still need the one before. */
async function refresh(given) {
  const response = given ?? (await fetch(shell, { cache: 'no-store' }))
  if (!isPage(response)) return
  const text = await response.clone().text()
  if (!text.includes('id="root"')) return
  const name = prefix + (await hashOf(text))
  if (await caches.has(name)) return
  const before = await versions()
  const cache = await caches.open(name)
  await cache.put(shell, response)
  const named = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path).filter(isAsset)
  await Promise.all(named.map(path => take(cache, path)))
  for (const old of before.slice(0, Math.max(0, before.length + 1 - keptCaches))) await caches.delete(old)
  if (before.length === 0) return
  for (const client of await self.clients.matchAll()) client.postMessage('updated')
}

async function keep(paths) {
  const cache = await newest()
  for (const path of paths) if ((await caches.match(path)) === undefined) await take(cache, path)
}

async function take(cache, path) {
  try {
    const response = await fetch(path)
    if (isWhole(response) && !isHtml(response)) await cache.put(path, response)
  } catch {
    // It is fetched when it is needed.
  }
}

async function newest() {
  const name = (await versions()).at(-1)
  return caches.open(name ?? `${prefix}first`)
}

/** Oldest first. */
async function versions() {
  return (await caches.keys()).filter(name => name.startsWith(prefix))
}

async function hashOf(text) {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(hash).subarray(0, 8), byte => byte.toString(16).padStart(2, '0')).join('')
}
