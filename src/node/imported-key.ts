import { hash } from 'node:crypto'
import type { Holder, KeyRing } from '../auth/index.ts'

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
  const limits = { models: null, rpm: null, tpm: null, parallel: null, maxPrice: null, maxPerDay: null, budgetId: null }
  const key = {
    ...{ id: 'imported', hash: digestOf(secret), name: 'PROXY_API_KEY', tail: '', project: null, userId: null },
    ...{ ...limits, preset: null, archive: 'default' as const, redact: null, cache: 'default' as const },
    ...{ expiresAt: null, replacedBy: null, createdAt: 0, revokedAt: null, lastUsedAt: null },
  }
  return { key, user: undefined }
}
