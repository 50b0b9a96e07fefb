import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFunctionData, maxUint256, toHex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { providerRegistryAbi } from '../../src/chain/generated/provider-registry.ts'
import { testTokenAbi } from '../../src/chain/generated/test-token.ts'
import { createProviderDirectory, keyOfPeerId, peerIdOfKey, toAddress } from '../../src/chain/index.ts'
import { type Address, createEventLog, type Hex, systemClock } from '../../src/core/index.ts'
import { type DevChain, soon, startDevChain, UNIT } from './dev-chain.ts'

let dev: DevChain
let folder: string
const providers = 270
const withOffers = 45

beforeAll(async () => {
  dev = await startDevChain()
  folder = await mkdtemp(join(tmpdir(), 'parley-scale-'))
  for (let at = 0; at < providers; at += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => settle(at + index)))
  }
}, 180_000)

afterAll(async () => {
  await dev?.stop()
  await rm(folder, { recursive: true, force: true })
})

const accountOf = (index: number): Address => toAddress(`0x${(0xabcd_0000 + index).toString(16).padStart(40, '0')}`)
const keyOf = (index: number): Hex => toHex(BigInt(index + 1), { size: 32 })
const modelId: Hex = `0x${'0b'.repeat(32)}`

/** A provider as cheap as can be: the chain lets anybody sign for it. */
async function settle(index: number): Promise<void> {
  const from = accountOf(index)
  await dev.rpc('hardhat_impersonateAccount', [from])
  await dev.rpc('hardhat_setBalance', [from, '0xde0b6b3a7640000'])
  const send = (to: Address, data: Hex) => dev.rpc('eth_sendTransaction', [{ from, to, data }])
  const stake = 100n * UNIT
  await send(dev.token, encodeFunctionData({ abi: testTokenAbi, functionName: 'mint', args: [from, stake] }))
  await send(
    dev.token,
    encodeFunctionData({ abi: testTokenAbi, functionName: 'approve', args: [dev.registry, maxUint256] }),
  )
  const entry = [`/dns4/p${index}.example/tcp/4001`, keyOf(index), from, from, stake] as const
  await send(dev.registry, encodeFunctionData({ abi: providerRegistryAbi, functionName: 'register', args: entry }))
  if (index >= withOffers) return
  const offer = { modelId, priceIn: BigInt(index), priceOut: 2n, context: 4096, capabilities: 1, expiry: 2 ** 40 - 1 }
  await send(dev.registry, encodeFunctionData({ abi: providerRegistryAbi, functionName: 'setOffers', args: [[offer]] }))
}

test('a registry of several pages is read whole, offers included', async () => {
  const log = createEventLog(systemClock.now)
  const directory = createProviderDirectory({
    chain: dev.chain,
    log,
    cachePath: join(folder, 'cache.json'),
    firstReadMs: 60_000,
  })
  await directory.start(soon())
  try {
    expect(directory.list()).toHaveLength(providers)
    for (let index = 0; index < providers; index++) {
      const entry = directory.byPeerId(peerIdOfKey(keyOf(index)))
      expect(entry?.provider).toBe(accountOf(index))
      expect(keyOfPeerId(entry!.peerId)).toBe(keyOf(index))
      expect(entry?.offers.map(offer => offer.priceIn)).toEqual(index < withOffers ? [BigInt(index)] : [])
    }
  } finally {
    await directory.stop()
  }
})
