import { type Chain, createEscrowReader, type SessionKeyOf, zeroAddress } from '../../chain/index.ts'
import { type Address, ParleyError } from '../../core/index.ts'

/** The session key a deposit has to name. Throws `conflict` where the account pays through one that is not here. */
export async function sessionKeyFor(
  chain: Chain,
  account: Address,
  sessionKeyOf: (of: SessionKeyOf) => Promise<Address>,
  signal: AbortSignal,
): Promise<Address> {
  const { epoch, signer } = await createEscrowReader(chain).account(account, signal)
  const { chainId, escrow } = chain.settings
  const sessionKey = await sessionKeyOf({ chainId, escrow, epoch })
  if (signer === zeroAddress || signer === sessionKey) return sessionKey
  throw new ParleyError(
    'conflict',
    `the account pays through another session key (${signer}); withdraw first, or deposit from the machine that made it`,
  )
}
