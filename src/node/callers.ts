import { ParleyError, type Principal } from '../core/index.ts'
import type { KeyStore } from '../store/index.ts'

/** Who calls this node's own endpoint, and what each may spend. */
export interface Callers {
  /** Whom a key stands for; undefined for a key that is unknown or revoked. */
  readonly callerOf: (secret: string) => { readonly principal: Principal; readonly maxPrice?: bigint } | undefined
  /** The most a principal may spend in a day; undefined without a cap of its own. */
  readonly dailyCap: (principal: Principal) => bigint | undefined
  /** The caller that a key of this name or id stands for. Throws `not_found`. */
  readonly named: (nameOrId: string) => { readonly principal: Principal; readonly keyName: string }
  /** What the operator calls the key of a caller. */
  readonly keyName: (principal: Principal) => string | undefined
}

/** Caps and names are remembered when a key is shown, which is before it can spend: asked for often, they must not cost a read. */
export function createCallers(keys: Pick<KeyStore, 'verify' | 'list'>): Callers {
  const caps = new Map<string, bigint>()
  const names = new Map<string, string>()
  return {
    callerOf: secret => {
      const key = keys.verify(secret)
      if (key === undefined) return undefined
      names.set(key.id, key.name)
      if (key.maxPerDay !== undefined) caps.set(key.id, key.maxPerDay)
      return {
        principal: { kind: 'key', id: key.id },
        ...(key.maxPrice !== undefined && { maxPrice: key.maxPrice }),
      }
    },
    named: nameOrId => {
      const valid = keys.list().filter(({ revokedAt }) => revokedAt === undefined)
      const key = valid.find(({ id }) => id === nameOrId) ?? valid.findLast(({ name }) => name === nameOrId)
      if (key !== undefined) return { principal: { kind: 'key', id: key.id }, keyName: key.name }
      throw new ParleyError('not_found', `there is no key ${JSON.stringify(nameOrId)}; see parley key list`)
    },
    keyName: ({ kind, id }) => (kind === 'key' ? names.get(id) : undefined),
    dailyCap: ({ kind, id }) => (kind === 'key' ? caps.get(id) : undefined),
  }
}
