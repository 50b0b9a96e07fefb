import { type Address, type Hex, ParleyError } from '../core/index.ts'
import type { Chain } from './clients.ts'
import { testTokenAbi } from './generated/test-token.ts'
import { contractCall, type Sender } from './sender.ts'
import { createTokenReader } from './token.ts'

/** An EIP-2612 signature that lets `spender` take an amount, and the time it ends (Unix seconds). */
export interface Permit {
  readonly deadline: bigint
  readonly v: number
  readonly r: Hex
  readonly s: Hex
}

export interface Spending {
  readonly token: Address
  readonly spender: Address
  readonly amount: bigint
  /** False where the contract has no way to take a permit. */
  readonly usesPermit?: boolean
}

/**
 * Lets a contract take an amount of the sender's tokens, in the cheapest way the token knows: an allowance that is there
 * already, a permit to hand along, or a transaction that approves exactly this amount. Undefined when none is needed.
 */
export async function allowSpending(
  sender: Sender,
  spending: Spending,
  signal: AbortSignal,
): Promise<Permit | undefined> {
  const { chain, signer } = sender
  const { token, spender, amount } = spending
  const reader = createTokenReader(chain, token)
  const held = await reader.balance(signer.address, signal)
  if (held < amount) {
    const message = `${signer.address} holds ${held} token units and needs ${amount}; fund it first`
    throw new ParleyError('insufficient_funds', message, { details: { held: String(held), needed: String(amount) } })
  }
  const allowed = await reader.allowance(signer.address, spender, signal)
  if (allowed >= amount) return undefined
  const permit = spending.usesPermit === false ? undefined : await permitFor(sender, spending, signal)
  if (permit) return permit
  const approve = (value: bigint) =>
    sender.send('the approval', contractCall(token, testTokenAbi, 'approve', [spender, value]), signal)
  // Some old tokens change an allowance only from or to zero.
  if (allowed > 0n) await approve(0n)
  await approve(amount)
  return undefined
}

const permitSeconds = 3_600n
const versions = ['1', '2'] as const

/** Undefined for a token without permits, or with a domain that cannot be told from its name. */
async function permitFor(sender: Sender, spending: Spending, signal: AbortSignal): Promise<Permit | undefined> {
  const { chain, signer } = sender
  const facts = await permitFacts(chain, spending.token, signer.address, signal)
  if (!facts) return undefined
  return chain.ask('the permit', signal, async (_, viem) => {
    const domains = versions.map(version => ({
      name: facts.name,
      version,
      chainId: chain.settings.chainId,
      verifyingContract: spending.token,
    }))
    const domain = domains.find(domain => viem.domainSeparator({ domain }) === facts.separator)
    if (!domain) return undefined
    const { spender, amount: value } = spending
    const deadline = facts.now + permitSeconds
    const message = { owner: signer.address, spender, value, nonce: facts.nonce, deadline }
    const digest = viem.hashTypedData({ domain, types: permitTypes, primaryType: 'Permit', message })
    const { r, s, yParity } = viem.parseSignature(signer.sign(digest))
    return { deadline, v: 27 + yParity, r, s }
  })
}

async function permitFacts(chain: Chain, token: Address, owner: Address, signal: AbortSignal) {
  const asked = { address: token, abi: testTokenAbi } as const
  return chain.ask('reading the token', signal, async (client, viem) => {
    try {
      const [name, nonce, separator, { timestamp: now }] = await Promise.all([
        client.readContract({ ...asked, functionName: 'name' }),
        client.readContract({ ...asked, functionName: 'nonces', args: [owner] }),
        client.readContract({ ...asked, functionName: 'DOMAIN_SEPARATOR' }),
        client.getBlock(),
      ])
      return { name, nonce, separator, now }
    } catch (cause) {
      // A contract that refused or answered nothing has no permits; silence of the chain is another matter.
      if (cause instanceof viem.ContractFunctionExecutionError && isRefusal(viem, cause)) return undefined
      throw cause
    }
  })
}

function isRefusal(
  viem: typeof import('viem'),
  cause: InstanceType<typeof viem.ContractFunctionExecutionError>,
): boolean {
  return (
    cause.walk(
      error =>
        error instanceof viem.ContractFunctionRevertedError || error instanceof viem.ContractFunctionZeroDataError,
    ) !== null
  )
}

const permitTypes = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const
