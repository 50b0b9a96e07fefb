import type { Limiter } from './limiter.ts'

/** What is on record of a request: never a header, a path or a word of a body. */
export interface ProxyLine {
  readonly method: string
  /** Of the upstream; empty for a request that named none that is allowed. */
  readonly host: string
  readonly status: number
  /** To the first byte of the answer. */
  readonly ms: number
}

export interface HeaderProxyRules {
  /** Upstreams: `api.example.com`, `*.example.com` for those below it, with a port where it is not 443; `*` for all. */
  readonly allowHosts: readonly string[]
  /** Pages that may ask, by their origin, like `https://chat.example.com`; `*` for all. */
  readonly allowOrigins: readonly string[]
  /** Whoever asks has to send it as `x-proxy-secret`. */
  readonly secret?: string | undefined
  /** Whether upstreams may be on this machine, and without TLS there. For development. */
  readonly allowLoopback?: boolean
}

/** Everything a request is answered with. Adapters make one for each runtime. */
export interface HeaderProxyEnv extends HeaderProxyRules {
  readonly limiter: Limiter
  /** Who asks, as the runtime knows it: an address. */
  readonly client?: string | undefined
  /** How upstreams are asked. Where names can be looked up, it refuses those that lead inside with `forbidden`. */
  readonly fetch: (url: string, init: ProxyFetchInit) => Promise<Response>
  readonly log?: ((line: ProxyLine) => void) | undefined
}

export interface ProxyFetchInit {
  readonly method: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  /** What the request said of its length: some upstreams take no body without one. */
  readonly bodyBytes: number | undefined
  readonly signal: AbortSignal
  readonly redirect: 'manual'
  /** A body that is a stream is sent while it is read. */
  readonly duplex: 'half'
}

/** Settings of runtimes that have nothing but variables: lists with commas, and `true`. */
export function rulesFrom(variables: Readonly<Record<string, unknown>>): HeaderProxyRules {
  const list = (name: string) =>
    String(variables[name] ?? '')
      .split(',')
      .map(entry => entry.trim())
      .filter(entry => entry !== '')
  const secret = variables.PROXY_SECRET
  return {
    allowHosts: list('ALLOW_HOSTS'),
    allowOrigins: list('ALLOW_ORIGINS'),
    allowLoopback: variables.ALLOW_LOOPBACK === 'true',
    secret: typeof secret === 'string' && secret !== '' ? secret : undefined,
  }
}
