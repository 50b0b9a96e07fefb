import { expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/core/index.ts'
import type { PeerTarget } from '../../src/p2p/index.ts'
import { KeepWarm } from '../../src/p2p/keep-warm.ts'
import { until } from './nodes.ts'

const target = (peerId: string, address = 'here'): PeerTarget => ({ peerId, addresses: [address] })

function keeper(connect: (target: PeerTarget) => Promise<void>, max = 4) {
  const disconnected = (_: string, signal: AbortSignal) =>
    new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const warm = new KeepWarm({ connect, disconnected, random: systemRandom, max, firstDelayMs: 10, lastDelayMs: 80 })
  onTestFinished(() => warm.stop())
  return warm
}

test('an unreachable peer is tried again ever more rarely, but not given up', async () => {
  const at: number[] = []
  const warm = keeper(async () => {
    at.push(performance.now())
    throw new Error('nobody there')
  })
  warm.set([target('a')])
  await until(() => at.length >= 7, 'seven attempts')
  const waits = at.slice(1).map((time, i) => time - at[i]!)
  expect(waits.at(-1)!).toBeGreaterThan(38)
  warm.stop()
  const { length } = at
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(at).toHaveLength(length)
})

test('a peer that moved is dialled at its new address; one that did not is left alone', async () => {
  const dialled: string[] = []
  const warm = keeper(async ({ peerId, addresses }) => void dialled.push(`${peerId} ${addresses}`))
  warm.set([target('a'), target('b')])
  warm.set([target('a', 'there'), target('b')])
  await until(() => dialled.length >= 3, 'the new address is dialled')
  expect(dialled).toEqual(['a here', 'b here', 'a there'])
})
