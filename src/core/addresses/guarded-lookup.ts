import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { ParleyError } from '../errors.ts'
import { isRefused, type ReachRule, reachOf } from './reach.ts'

/**
 * Looks up a name for a connection that is about to be made, and fails with `forbidden` if any of the addresses may not be
 * reached: what was answered is what is dialled, so that a name cannot change between check and use. Addresses that are
 * written as such are never looked up: `urlFault` is for those.
 */
export function guardedLookup(rule: ReachRule, lookup: LookupFunction = systemLookup): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (fault, found) => {
      if (fault !== null) return callback(fault, '', 0)
      const answers = typeof found === 'string' ? [{ address: found, family: found.includes(':') ? 6 : 4 }] : found
      const wrong = answers.find(({ address }) => isRefused(reachOf(address), rule))
      const [first] = answers
      if (wrong !== undefined) return callback(refusedAddress(`it leads to ${wrong.address}`), '', 0)
      if (first === undefined)
        return callback(new ParleyError('backend_failed', 'the name has no address; check how it is written'), '', 0)
      return options.all === true ? callback(null, answers) : callback(null, first.address, first.family)
    })
  }
}

export function refusedAddress(why: string): ParleyError {
  return new ParleyError('forbidden', `the address may not be fetched: ${why}`)
}
