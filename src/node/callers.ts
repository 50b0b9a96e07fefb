import type { Principal } from '../core/index.ts'
import type { KeyStore } from '../store/index.ts'

/** Who calls this node's own endpoint, and what each may spend. */
export interface Callers {
  /** Whom a key stands for; undefined for a key that is unknown or revoked. */
  readonly callerOf: (secret: string) => { readonly principal: Principal; readonly maxPrice?: bigint } | undefined
  /** The most a principal may spend in a day; undefined without a cap of its own. */
  readonly dailyCap: (principal: Principal) => bigint | undefined
}

/** A cap is remembered when its key is shown, which is before it can spend: asked for often, it must not cost a read. */
export function createCallers(keys: Pick<KeyStore, 'verify'>): Callers {
  const caps = new Map<string, bigint>()
  return {
    callerOf: secret => {
      const key = keys.verify(secret)
      if (key === undefined) return undefined
      if (key.maxPerDay !== undefined) caps.set(key.id, key.maxPerDay)
      return {
        principal: { kind: 'key', id: key.id },
        ...(key.maxPrice !== undefined && { maxPrice: key.maxPrice }),
      }
    },
    dailyCap: ({ kind, id }) => (kind === 'key' ? caps.get(id) : undefined),
  }
}
