import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pass } from '../../core/index.ts'
import { cameByHttps } from '../proxied.ts'

/** The refresh token of a browser: sent to these routes alone, never to a page of somebody else, unseen by scripts. */
const path = '/api/auth'

/** Browsers keep one jar for all ports of a machine: nodes beside each other have a cookie each. */
function nameFor({ headers: { host } }: IncomingMessage): string {
  const port = /:(\d{1,5})$/.exec(host ?? '')?.[1]
  return port === undefined ? 'parley_refresh' : `parley_refresh_${port}`
}

export function setRefreshCookie(request: IncomingMessage, response: ServerResponse, pass: Pass): void {
  const seconds = Math.floor(pass.refreshLifeMs / 1_000)
  response.setHeader(
    'set-cookie',
    `${nameFor(request)}=${pass.refreshToken}; Max-Age=${seconds}; ${attributes(request)}`,
  )
}

export function dropRefreshCookie(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('set-cookie', `${nameFor(request)}=; Max-Age=0; ${attributes(request)}`)
}

export function refreshCookie(request: IncomingMessage): string | undefined {
  const pattern = new RegExp(`(?:^|;)\\s*${nameFor(request)}=([\\w.~-]{1,2000})(?:;|$)`)
  return pattern.exec(request.headers.cookie ?? '')?.[1]
}

/** Browsers keep secure cookies of this machine also without TLS, but not all of them do. */
function attributes(request: IncomingMessage): string {
  const host = request.headers.host?.replace(/:\d+$/, '').toLowerCase() ?? ''
  const isLoopback = host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
  return `Path=${path}; HttpOnly; SameSite=Strict${isLoopback && !cameByHttps(request) ? '' : '; Secure'}`
}
