import type { Network } from '../../client/api.ts'

type Rpc = Network['rpc']

/** As many blocks as endpoints of one chain may differ by without one being late. */
const lagBlocks = 5

/** How many blocks an endpoint is behind the furthest; 0 within what is usual. */
export function lagOf(rpc: Rpc, blockNumber: string | null): number {
  const newest = Math.max(...rpc.map(each => Number(each.blockNumber ?? 0)))
  const lag = blockNumber === null ? 0 : newest - Number(blockNumber)
  return lag > lagBlocks ? lag : 0
}

/** The most blocks one of them is behind; undefined while they agree. */
export function disagreementOf(rpc: Rpc): number | undefined {
  const most = Math.max(0, ...rpc.map(({ blockNumber }) => lagOf(rpc, blockNumber)))
  return most === 0 ? undefined : most
}
