import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The token of `authorization: Bearer …`. */
export function bearer({ headers }: IncomingMessage): string | undefined {
  const match = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')
  return match?.[1]
}

/** Compared by hash, so that neither content nor length shows in the time it takes. */
export function equalTo(secret: string): (given: string) => boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer')
  const known = digest(secret)
  return given => timingSafeEqual(digest(given), known)
}
