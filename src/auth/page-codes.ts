import { createHmac, hkdfSync } from 'node:crypto'
import type { Counters, Random, SharedCache } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

export interface PageCodesParts {
  readonly masterKey: Uint8Array
  readonly cache: SharedCache
  readonly counters: Counters
  readonly random: Random
}

/** Codes by which whoever runs the node comes in on its page: shown there alone, good once and for ten minutes. */
export interface PageCodes {
  /** Throws `rate_limited` while as many as may be are outstanding. */
  readonly make: () => Promise<string>
  /** True once for each code, on all nodes of an installation. */
  readonly redeem: (code: string) => Promise<boolean>
}

const lifeMs = 10 * 60_000
const outstandingMax = 50
const groupLength = 5
const groups = 2
/** Base32 of Crockford: nothing in it is taken for something else when it is read aloud or typed. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** What is kept is keyed: fifty bits are guessed by whoever has a plain hash of them. */
export function createPageCodes({ masterKey, cache, counters, random }: PageCodesParts): PageCodes {
  const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'parley page codes', 32))
  const nameOf = (code: string) => `page-code:${createHmac('sha256', key).update(code).digest('hex')}`
  return {
    make: async () => {
      const take = { key: 'page-codes', cost: 1, limit: outstandingMax, windowMs: lifeMs }
      const { ok, retryMs } = await counters.take([take])
      if (!ok) throw tooMany(retryMs)
      const letters = Array.from(random.bytes(groupLength * groups), byte => alphabet.charAt(byte % alphabet.length))
      const code = letters.join('')
      const name = nameOf(code)
      await keep(cache, name)
      return `${code.slice(0, groupLength)}-${code.slice(groupLength)}`
    },
    redeem: async given => {
      const code = plain(given)
      if (code === undefined) return false
      const name = nameOf(code)
      if ((await cache.get(name)) === undefined) return false
      await cache.purge(name)
      // Of two who come at once the counter lets one in.
      return (await counters.take([{ key: name, cost: 1, limit: 1, windowMs: lifeMs + 60_000 }])).ok
    },
  }
}

/** The second time it is known whether those who share the cache are there. */
async function keep(cache: SharedCache, name: string): Promise<void> {
  const entry = { ttlMs: lifeMs, tags: [name] }
  const isKept = (await cache.set(name, new Uint8Array(), entry)) || (await cache.set(name, new Uint8Array(), entry))
  if (isKept) return
  throw new ParleyError('store_unavailable', 'no code for the page could be kept; run `parley open` again')
}

/** As it was made, however it was typed; undefined for what is no code. */
function plain(given: string): string | undefined {
  const letters = given.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  const isCode = letters.length === groupLength * groups && Array.from(letters).every(one => alphabet.includes(one))
  return isCode ? letters : undefined
}

function tooMany(retryMs: number): ParleyError {
  const seconds = Math.max(1, Math.ceil(retryMs / 1_000))
  const message = `${outstandingMax} codes for the page were made in the last ten minutes; use one of them, or try again in ${seconds} s`
  return new ParleyError('rate_limited', message, { retryAfterSeconds: seconds })
}

export function wrongPageCode(): ParleyError {
  const message = 'this code is wrong, was used or is too old; run `parley open` where the node runs for a new one'
  return new ParleyError('unauthorized', message)
}
