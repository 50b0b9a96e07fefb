import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pass } from '../../core/index.ts'
import { cameByHttps } from '../proxied.ts'

/**
 * The part of a browser's refresh token that changes: sent to these routes alone, never to a page of somebody else, unseen by
 * scripts. Browsers send cookies to every port of a host, so whatever else listens on this machine may get to see it; the
 * part that lasts is kept by the page, where only pages of this port can read, and without it the cookie is worth nothing.
 */
const path = '/api/auth'

/** Browsers keep one jar for all ports of a machine: nodes beside each other have a cookie each. */
function nameFor({ headers: { host } }: IncomingMessage): string {
  const port = /:(\d{1,5})$/.exec(host ?? '')?.[1]
  return port === undefined ? 'parley_refresh' : `parley_refresh_${port}`
}

/** Returns the part for the page to keep. */
export function setRefreshCookie(request: IncomingMessage, response: ServerResponse, pass: Pass): string {
  const [changing = '', lasting = ''] = pass.refreshToken.split('.')
  const seconds = Math.floor(pass.refreshLifeMs / 1_000)
  const cookie = `${nameFor(request)}=${changing}; Max-Age=${seconds}; ${attributes(request)}`
  response.setHeader('set-cookie', cookie)
  return lasting
}

export function dropRefreshCookie(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('set-cookie', `${nameFor(request)}=; Max-Age=0; ${attributes(request)}`)
}

/** The token whose other part the page has kept. */
export function refreshCookie(request: IncomingMessage, lasting: string | undefined): string | undefined {
  const pattern = new RegExp(`(?:^|;)\\s*${nameFor(request)}=([\\w-]{1,100})(?:;|$)`)
  const changing = pattern.exec(request.headers.cookie ?? '')?.[1]
  return changing === undefined || lasting === undefined ? undefined : `${changing}.${lasting}`
}

/** Browsers keep secure cookies of this machine also without TLS, but not all of them do. */
function attributes(request: IncomingMessage): string {
  const host = request.headers.host?.replace(/:\d+$/, '').toLowerCase() ?? ''
  const isLoopback = host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
  return `Path=${path}; HttpOnly; SameSite=Strict${isLoopback && !cameByHttps(request) ? '' : '; Secure'}`
}
