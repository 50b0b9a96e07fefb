import { hash } from 'node:crypto'
import { type Holder, type KeyRing, unlimitedKey } from '../auth/index.ts'

/**
 * A ring with one key more, which is written down nowhere: it is whoever shows the text that came with the environment, and
 * has no limits of its own.
 */
export function withImportedKey(ring: KeyRing, secret: string | undefined): KeyRing {
  if (secret === undefined) return ring
  const holder = holderOf(secret)
  const { id, hash: digest } = holder.key
  return {
    ...ring,
    verify: given => (digestOf(given) === digest ? holder : ring.verify(given)),
    holderOf: async principal => (principal.kind === 'key' && principal.id === id ? holder : ring.holderOf(principal)),
  }
}

function digestOf(secret: string): string {
  return hash('sha256', secret, 'hex')
}

function holderOf(secret: string): Holder {
  return { key: { ...unlimitedKey, id: 'imported', hash: digestOf(secret), name: 'PROXY_API_KEY' }, user: undefined }
}
