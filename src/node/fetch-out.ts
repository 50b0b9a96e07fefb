import { lookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { createGuardedFetch } from '../backends/index.ts'
import { hostReach, isRefused, type ReachRule, reachOf, urlFault } from '../core/addresses/index.ts'
import { ParleyError } from '../core/index.ts'
import type { FetchOut } from '../telemetry/index.ts'

export interface FetchOutOptions extends ReachRule {
  /** How a name is looked up; as the system does when missing. */
  readonly lookup?: LookupFunction
}

const connectTimeoutMs = 10_000

/**
 * Posts to an address an operator has named, unless it leads where nobody meant: no redirect is followed, and neither
 * clouds' metadata nor, unless it is allowed, the own network is reached. Throws `forbidden` for what it refuses.
 */
export function createFetchOut(options: FetchOutOptions): FetchOut {
  const { fetch } = createGuardedFetch({ ...options, connectTimeoutMs })
  return async (url, init) => {
    try {
      return await fetch(url, init)
    } catch (cause) {
      if (!(cause instanceof ParleyError && cause.code === 'forbidden')) throw cause
      throw new ParleyError('forbidden', `${cause.message}; see alerts.webhookPrivate`, { cause })
    }
  }
}

/**
 * Says why an address cannot be set up; undefined for one that can. Throws `backend_failed` for a name nobody knows. It is
 * for whoever sets one up: what counts is checked again with every connection.
 */
export function createAddressCheck(rule: ReachRule): (url: string) => Promise<string | undefined> {
  return async url => {
    const fault = urlFault(url, rule)
    if (fault !== undefined) return fault
    const { hostname } = new URL(url)
    if (hostReach(hostname) !== 'name') return undefined
    const wrong = (await addressesOf(hostname)).find(address => isRefused(reachOf(address), rule))
    return wrong === undefined ? undefined : `it leads to ${wrong}`
  }
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (cause) {
    throw new ParleyError('backend_failed', `the name ${host} cannot be resolved; check the address`, { cause })
  }
}
