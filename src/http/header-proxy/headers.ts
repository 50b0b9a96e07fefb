/** What a page may send on: keys and what the APIs of models read. Cookies, origins and addresses are not among it. */
const forwarded = new Set([
  'accept',
  'api-key',
  'authorization',
  'content-type',
  'idempotency-key',
  'x-api-key',
  'x-goog-api-key',
  'x-request-id',
])
const forwardedPrefixes = ['anthropic-', 'openai-', 'parley-']

/** What comes back of an answer. */
const returned = new Set([
  'content-disposition',
  'content-type',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'x-request-id',
])
const returnedPrefixes = ['anthropic-', 'openai-', 'parley-', 'x-parley-', 'x-ratelimit-']

export const secretHeader = 'x-proxy-secret'
/** Libraries send these with every request; a preflight without them would fail, and no upstream needs them. */
const droppedPrefixes = ['x-stainless-']

const preflightLifeSeconds = '600'

/** What is shown in a page of this origin: never a page itself, whatever an upstream sends. */
const inert = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
}

export function upstreamHeaders(given: Headers): Headers {
  const headers = filtered(given, forwarded, forwardedPrefixes)
  // Packed streams come in lumps.
  headers.set('accept-encoding', 'identity')
  return headers
}

/** `origin` is null for a page of the proxy's own origin. */
export function answerHeaders(given: Headers, origin: string | null): Headers {
  const headers = filtered(given, returned, returnedPrefixes)
  const names = [...headers.keys()]
  for (const [name, value] of Object.entries(inert)) headers.set(name, value)
  if (origin !== null && names.length > 0) headers.set('access-control-expose-headers', names.join(', '))
  return allowed(headers, origin)
}

export function preflightHeaders(given: Headers, origin: string | null): Headers {
  const asked = (given.get('access-control-request-headers') ?? '').toLowerCase().split(',')
  const names = asked.map(name => name.trim()).filter(mayBeSent)
  const headers = new Headers({
    'access-control-allow-methods': 'GET, POST',
    'access-control-max-age': preflightLifeSeconds,
  })
  if (names.length > 0) headers.set('access-control-allow-headers', names.join(', '))
  return allowed(headers, origin)
}

function allowed(headers: Headers, origin: string | null): Headers {
  headers.set('vary', 'Origin')
  if (origin !== null) headers.set('access-control-allow-origin', origin)
  return headers
}

function mayBeSent(name: string): boolean {
  return name === secretHeader || isIn(name, forwarded, [...forwardedPrefixes, ...droppedPrefixes])
}

function filtered(given: Headers, names: ReadonlySet<string>, prefixes: readonly string[]): Headers {
  return new Headers([...given].filter(([name]) => isIn(name, names, prefixes)))
}

function isIn(name: string, names: ReadonlySet<string>, prefixes: readonly string[]): boolean {
  return names.has(name) || prefixes.some(prefix => name.startsWith(prefix))
}
