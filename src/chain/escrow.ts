import type { PublicClient } from 'viem'
import type { Address, EscrowReader } from '../core/index.ts'
import type { Chain } from './clients.ts'
import { escrowAbi } from './generated/escrow.ts'

/**
 * What the escrow holds, as of the newest block that has the confirmations of the settings: nobody gives credit for a
 * deposit that a reorganisation may still take back.
 */
export function createEscrowReader(chain: Chain): EscrowReader {
  const escrow = escrowOf(chain)
  return {
    account: (payer, signal) =>
      chain.ask('reading the escrow account', signal, async client => {
        // One call for one moment: several reads could each see another block.
        const [position] = await client.readContract({
          ...escrow,
          ...(await confirmed(client, chain)),
          functionName: 'positions',
          args: [payer, [payer]],
        })
        const { signer, free, epoch, exitAt } = position!
        return { signer, free, epoch, exitReadyAt: exitAt === 0n ? undefined : exitAt }
      }),
    pair: (payer, provider, signal) =>
      chain.ask('reading the escrow', signal, async client => {
        const [claimed, reserved] = await client.readContract({
          ...escrow,
          ...(await confirmed(client, chain)),
          functionName: 'pair',
          args: [payer, provider],
        })
        return { claimed, reserved }
      }),
  }
}

/** All a provider must know of one payer before it gives credit, of one moment. */
export interface EscrowPosition {
  readonly payer: Address
  /** The session key; the zero address while the account is closed. */
  readonly signer: Address
  readonly free: bigint
  readonly epoch: bigint
  /** Unix seconds; undefined while no exit is requested. */
  readonly exitReadyAt: bigint | undefined
  /** The session key being rotated in, and from when (Unix seconds); undefined while none is. */
  readonly nextSigner: { readonly address: Address; readonly readyAt: bigint } | undefined
  /** What this provider was paid ever, through all epochs. */
  readonly claimed: bigint
  readonly reserved: bigint
  /** How often this provider released: a reservation to sign names it. */
  readonly releases: number
}

/** Positions of many payers with one provider; any number, asked for in bounded calls. */
export async function readPositions(
  chain: Chain,
  { provider, payers }: { provider: Address; payers: readonly Address[] },
  signal: AbortSignal,
): Promise<EscrowPosition[]> {
  const positions: EscrowPosition[] = []
  for (let at = 0; at < payers.length; at += payersPerCall) {
    const asked = payers.slice(at, at + payersPerCall)
    const page = await chain.ask('reading the escrow', signal, async client =>
      client.readContract({
        ...escrowOf(chain),
        ...(await confirmed(client, chain)),
        functionName: 'positions',
        args: [provider, asked],
      }),
    )
    for (const { exitAt, nextSigner, nextSignerAt, ...same } of page) {
      positions.push({
        ...same,
        exitReadyAt: exitAt === 0n ? undefined : exitAt,
        nextSigner: nextSignerAt === 0n ? undefined : { address: nextSigner, readyAt: nextSignerAt },
      })
    }
  }
  return positions
}

/** What was decided when the escrow was deployed. */
export interface EscrowTerms {
  readonly token: Address
  readonly registry: Address
  /** Between a payer's request to leave, or for a new session key, and its execution. */
  readonly exitDelaySeconds: bigint
}

export async function readEscrowTerms(chain: Chain, signal: AbortSignal): Promise<EscrowTerms> {
  const escrow = escrowOf(chain)
  return chain.ask('reading the escrow', signal, async client => {
    const [token, registry, exitDelaySeconds] = await Promise.all([
      client.readContract({ ...escrow, functionName: 'token' }),
      client.readContract({ ...escrow, functionName: 'registry' }),
      client.readContract({ ...escrow, functionName: 'exitDelay' }),
    ])
    return { token, registry, exitDelaySeconds }
  })
}

const payersPerCall = 500

/** Endpoints forget the state of older blocks. */
const depthMax = 100

async function confirmed(client: PublicClient, chain: Chain): Promise<{ blockNumber?: bigint }> {
  if (depthOf(chain) <= 0n) return {}
  return { blockNumber: confirmedBlock(await client.getBlockNumber(), chain) }
}

/** The newest block that has the confirmations of the settings. */
export function confirmedBlock(head: bigint, chain: Chain): bigint {
  const depth = depthOf(chain)
  if (depth <= 0n) return head
  return head > depth ? head - depth : 0n
}

function depthOf({ settings }: Chain): bigint {
  return BigInt(Math.min(settings.confirmations - 1, depthMax))
}

function escrowOf(chain: Chain) {
  return { address: chain.settings.escrow, abi: escrowAbi } as const
}
