import { existsSync } from 'node:fs'
import type { RegistryEntry } from '../../chain/index.ts'
import type { Config } from '../../config/index.ts'
import { type Address, ParleyError } from '../../core/index.ts'

export interface EntryWish {
  readonly endpoint?: string | undefined
  readonly signer?: string | undefined
  readonly payout?: string | undefined
}

/** The entry in the registry of an account whose node lives in this home. */
export async function entryOf(
  config: Config,
  account: Address,
  { endpoint, signer, payout }: EntryWish,
): Promise<RegistryEntry> {
  const where = endpoint ?? config.p2p.announce[0]
  if (where === undefined) {
    throw new ParleyError(
      'usage',
      'nobody would find this node: its address is unknown; give --endpoint or set p2p.announce',
    )
  }
  return {
    ...(await reachedAt(config, where)),
    signer: account,
    payout: account,
    ...(signer && { signer }),
    ...(payout && { payout }),
  } as RegistryEntry
}

/** The contract takes https URLs too, but no node buys over them yet: a stake on one would wait for nobody. */
export async function reachedAt({ paths }: Config, endpoint: string): Promise<{ endpoint: string; peerId: string }> {
  if (!endpoint.startsWith('/')) {
    throw new ParleyError(
      'usage',
      'the endpoint is not a multiaddr; user nodes dial addresses like /ip4/203.0.113.7/tcp/7276',
    )
  }
  const isNew = !existsSync(paths.identityFile)
  const { openIdentityFile } = await import('../../p2p/index.ts')
  const { peerId } = await openIdentityFile(paths.identityFile)
  const named = /\/p2p\/([^/]+)$/.exec(endpoint)?.[1]
  // The peer id has a slot of its own in the contract; in the endpoint it would be paid for twice.
  if (named === undefined || named === peerId) return { endpoint: endpoint.replace(/\/p2p\/[^/]+$/, ''), peerId }
  const whose = isNew ? 'a new identity was made here' : `this home is ${peerId}`
  throw new ParleyError(
    'usage',
    `the endpoint names the peer ${named}, but ${whose}; leave /p2p/… out or run this on that node`,
  )
}
