import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pass } from '../../core/index.ts'
import { cameByHttps } from '../proxied.ts'

/** The refresh token of a browser: sent to these routes alone, never to a page of somebody else, unseen by scripts. */
const name = 'parley_refresh'
const path = '/api/auth'

export function setRefreshCookie(request: IncomingMessage, response: ServerResponse, pass: Pass): void {
  const seconds = Math.floor(pass.refreshLifeMs / 1_000)
  response.setHeader('set-cookie', `${name}=${pass.refreshToken}; Max-Age=${seconds}; ${attributes(request)}`)
}

export function dropRefreshCookie(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('set-cookie', `${name}=; Max-Age=0; ${attributes(request)}`)
}

export function refreshCookie({ headers }: IncomingMessage): string | undefined {
  const value = new RegExp(`(?:^|;)\\s*${name}=([\\w.~-]{1,2000})(?:;|$)`).exec(headers.cookie ?? '')?.[1]
  return value
}

/** Browsers keep secure cookies of this machine also without TLS, but not all of them do. */
function attributes(request: IncomingMessage): string {
  const host = request.headers.host?.replace(/:\d+$/, '').toLowerCase() ?? ''
  const isLoopback = host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
  return `Path=${path}; HttpOnly; SameSite=Strict${isLoopback && !cameByHttps(request) ? '' : '; Secure'}`
}
