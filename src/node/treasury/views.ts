import { zeroAddress } from '../../chain/index.ts'
import type { Clock, EscrowState, Whereabouts } from '../../core/index.ts'
import type { Money } from './vault.ts'
import { whereIsMyMoney } from './whereabouts.ts'

/** Unix seconds of the chain, as milliseconds. */
export function dateOf(seconds: bigint): number {
  const ms = Number(seconds) * 1_000
  return ms > lastMs ? lastMs : ms
}

/** The last moment that can be written as a date. */
const lastMs = Date.UTC(9999, 11, 31)

/** Totals of a former epoch are owed no more: their vouchers are worth nothing. */
export function whereaboutsOf({ wallet, account, counters }: Money): Whereabouts {
  const providers = counters.map(({ channel, claimed, reserved }) => {
    const authorized = channel.key.epoch === account.epoch ? channel.authorized : 0n
    return { reserved, authorized, claimed }
  })
  return whereIsMyMoney({ wallet, free: account.free, providers })
}

export function escrowStateOf({ account: { signer, exitReadyAt }, chainTime }: Money, clock: Clock): EscrowState {
  if (signer === zeroAddress) return 'closed'
  if (exitReadyAt === undefined) return 'open'
  return isOver(exitReadyAt, chainTime, clock) ? 'withdrawable' : 'exiting'
}

/** A chain on which nothing happens makes no blocks: its clock may stand still and is not asked alone. */
export function isOver(readyAt: bigint, chainTime: bigint, clock: Clock): boolean {
  const now = BigInt(Math.floor(clock.now() / 1_000))
  return readyAt <= (chainTime > now ? chainTime : now)
}
