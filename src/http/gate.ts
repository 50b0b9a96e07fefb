import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { ParleyError } from '../core/index.ts'

export interface GateOptions {
  /** Names beside loopback under which this node may be called, without ports. */
  readonly allowedHosts: readonly string[]
}

/** Throws `forbidden`. A page that is open to links may be come to from wherever a person follows one. */
export type Gate = (request: IncomingMessage, isLinked?: boolean) => void

/**
 * Refuses, before a body is read, whatever a web page of somebody else could send to this machine: a Host that is not
 * ours (DNS rebinding), a foreign Origin, a cross-site fetch.
 */
export function createGate({ allowedHosts }: GateOptions): Gate {
  const allowed = new Set(allowedHosts.map(host => host.toLowerCase()))
  const isOurs = (name: string) => isLoopback(name) || allowed.has(name)
  return (request, isLinked = false) => {
    const host = hostName(request.headers.host)
    if (host === undefined || !isOurs(host)) {
      throw new ParleyError(
        'forbidden',
        `this node does not answer to the host ${host ?? '(none)'}; add it to http.allowedHosts`,
      )
    }
    refuseForeignPage(request, isLinked)
  }
}

function refuseForeignPage({ headers }: IncomingMessage, isLinked: boolean): void {
  const site = isLinked ? undefined : headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site') {
    throw new ParleyError('forbidden', 'pages of another origin may not call this node')
  }
  const { origin } = headers
  if (origin === undefined) return
  const own = URL.canParse(origin) ? new URL(origin).host : undefined
  if (own !== headers.host) throw new ParleyError('forbidden', `the origin ${origin} may not call this node`)
}

function hostName(host: string | undefined): string | undefined {
  if (host === undefined || !URL.canParse(`http://${host}`)) return undefined
  return new URL(`http://${host}`).hostname.toLowerCase().replace(/^\[|\]$/g, '')
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}
