import { ParleyError } from '../core/index.ts'
import { checkUrl, isLoopback } from './source.ts'

export type Fetch = (url: URL, init: RequestInit) => Promise<Response>

export interface RequestOptions {
  readonly fetch: Fetch
  readonly signal: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
  /** A bearer token, sent to this origin and nowhere else. */
  readonly credential?: { readonly origin: string; readonly token: string } | undefined
}

export interface Answered {
  readonly response: Response
  /** Headers of the redirects on the way; the hub names the file's sum there and not at its store. */
  readonly passed: readonly Headers[]
}

const redirectsMax = 10

/** A GET that follows redirects itself: only to https, from this machine to this machine also http, never with the token. */
export async function request(url: URL, options: RequestOptions): Promise<Answered> {
  const passed: Headers[] = []
  let target = url
  for (let hop = 0; hop <= redirectsMax; hop++) {
    const response = await options.fetch(target, {
      headers: { 'accept-encoding': 'identity', ...options.headers, ...authorization(target, options) },
      redirect: 'manual',
      signal: options.signal,
    })
    const location = response.headers.get('location')
    if (response.status < 300 || response.status >= 400 || location === null) return { response, passed }
    await response.body?.cancel()
    passed.push(response.headers)
    target = redirected(target, location)
  }
  throw new ParleyError('download_failed', `the server redirected more than ${redirectsMax} times`)
}

function authorization(url: URL, { credential }: RequestOptions): Record<string, string> {
  return credential?.origin === url.origin ? { authorization: `Bearer ${credential.token}` } : {}
}

function redirected(from: URL, location: string): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from.href).href : location
  try {
    const url = checkUrl(target)
    if (!isLoopback(url.hostname) || isLoopback(from.hostname)) return url
  } catch (cause) {
    throw new ParleyError('download_failed', 'the server redirected to an address that is not allowed', { cause })
  }
  throw new ParleyError('download_failed', 'the server redirected to this machine, which is not allowed')
}
