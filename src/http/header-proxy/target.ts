import { urlFault } from '../../core/addresses/index.ts'
import type { ErrorCode } from '../../core/index.ts'
import type { HeaderProxyRules } from './env.ts'

export interface Refusal {
  readonly code: ErrorCode
  readonly message: string
  readonly retryAfterSeconds?: number
}

const usage = 'ask for /https://host/path'

/** The upstream's URL that stands in the path, if it may be asked. */
export function targetOf(url: string, rules: HeaderProxyRules): URL | Refusal {
  const { pathname, search } = new URL(url)
  // Gateways in front of this make one slash of two.
  const match = /^\/(https?):\/{1,2}([^/].*)$/i.exec(pathname)
  const [, scheme = '', rest = ''] = match ?? []
  const address = `${scheme}://${rest}${search}`
  if (match === null || !URL.canParse(address)) {
    return { code: 'invalid_request', message: `the path holds no address of an upstream; ${usage}` }
  }
  const target = new URL(address)
  const isOwn = rules.allowLoopback === true && isLoopback(target.hostname)
  const fault = urlFault(target, { allowPrivate: isOwn })
  if (fault !== undefined) return { code: 'forbidden', message: `the upstream may not be asked: ${fault}` }
  if (target.protocol !== 'https:' && !isOwn) {
    return { code: 'forbidden', message: 'the upstream may be asked over https alone; write /https://…' }
  }
  if (rules.allowHosts.some(entry => isHost(target.host, entry))) return target
  const message = `the upstream ${target.host.slice(0, 100)} is not among those this proxy may ask; add it to them`
  return { code: 'forbidden', message }
}

/** The port is part of it, unless it is the usual one. */
function isHost(host: string, entry: string): boolean {
  const wanted = entry.toLowerCase()
  if (wanted === '*') return !host.replace(/^\[.*\]/, '').includes(':')
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) && host.length >= wanted.length : host === wanted
}

/** As a URL writes it. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
