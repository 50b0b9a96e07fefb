import type { IncomingMessage, ServerResponse } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { ParleyError } from '../core/index.ts'

export interface ProxySettings {
  /** Whether a proxy that ends TLS stands in front: then it is believed, and without TLS nobody is answered. */
  readonly behindProxy?: boolean
  /** Networks (CIDR) it asks from; nobody else is believed. Whoever connects where there are none. */
  readonly trustedProxies?: readonly string[]
}

/** Whether what a request says of where it comes from is believed. Throws `config_invalid` for what is no network. */
export function proxied({
  behindProxy = false,
  trustedProxies = [],
}: ProxySettings): (request: IncomingMessage) => boolean {
  if (!behindProxy) return () => false
  if (trustedProxies.length === 0) return () => true
  const trusted = networks(trustedProxies)
  return ({ socket: { remoteAddress = '' } }) => {
    const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
    return trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
}

function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    try {
      list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
    } catch (cause) {
      const message = `http.trustedProxies: ${cidr} is no network; write it like 10.0.0.0/8`
      throw new ParleyError('config_invalid', message, { cause })
    }
  }
  return list
}

/** Browsers that came by HTTPS once do not try without it for a year. */
const strictTransport = 'max-age=31536000'

/** What the nearest proxy says; those before it could say anything. */
function nearest(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value.split(',').at(-1)?.trim().toLowerCase() : undefined
}

export function cameByHttps(request: IncomingMessage): boolean {
  return nearest(request, 'x-forwarded-proto') === 'https'
}

/**
 * Behind a proxy that ends TLS nobody is answered who came to it without. A request the proxy did not touch is one of this
 * machine. Throws `forbidden`.
 */
export function demandHttps(request: IncomingMessage, response: ServerResponse): void {
  if (cameByHttps(request)) response.setHeader('strict-transport-security', strictTransport)
  else if (request.headers['x-forwarded-proto'] !== undefined) {
    throw new ParleyError('forbidden', 'this node is not to be had by plain HTTP; ask it by HTTPS')
  }
}

/** Where a request came from: of a proxy that is believed, what it saw itself. */
export function addressOf(request: IncomingMessage, isProxied: boolean): string {
  const seen = isProxied ? nearest(request, 'x-forwarded-for') : undefined
  return seen !== undefined && isIP(seen) !== 0 ? seen : (request.socket.remoteAddress ?? '')
}
