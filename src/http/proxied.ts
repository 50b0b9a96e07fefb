import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { ParleyError } from '../core/index.ts'

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
export function addressOf(request: IncomingMessage, isBehindProxy: boolean): string {
  const seen = isBehindProxy ? nearest(request, 'x-forwarded-for') : undefined
  return seen !== undefined && isIP(seen) !== 0 ? seen : (request.socket.remoteAddress ?? '')
}
