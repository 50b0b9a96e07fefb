import { expect, test } from 'vitest'
import { createNotary, createSigner } from '../../src/chain/index.ts'
import {
  type Backend,
  createEventLog,
  type Hex,
  ParleyError,
  type ProviderDirectory,
  type ProviderEntry,
  type QuoteSheet,
  type Signer,
  systemClock,
} from '../../src/core/index.ts'
import { createMarket } from '../../src/node/market.ts'
import type { Shop } from '../../src/node/stall.ts'

const notary = createNotary({ chainId: 31_337n, escrow: '0x00000000000000000000000000000000000000E5' })
const signers = ['1', '2'].map(digit => createSigner(`0x${digit.repeat(64)}`))

function entryOf(signer: Signer, stake: bigint, endpoint = '/ip4/192.0.2.1/tcp/1'): ProviderEntry {
  const { address } = signer
  const place = { peerId: `peer of ${address}`, endpoint, exitAt: undefined, offers: [] }
  return { provider: address, signer: address, payout: address, stake, ...place }
}

/** A registry in memory that can be changed. */
function registryOf(...first: ProviderEntry[]) {
  let entries: readonly ProviderEntry[] = first
  let told = () => {}
  const directory: ProviderDirectory = {
    list: () => entries,
    byPeerId: () => undefined,
    freshness: () => ({ readAt: undefined, blockNumber: undefined, isStale: false, error: undefined }),
    refresh: async () => {},
    onChange: listener => {
      told = listener
      return () => {}
    },
  }
  const set = (...next: ProviderEntry[]) => {
    entries = next
    told()
  }
  return { directory, set }
}

function sheetOf(signer: Signer, priceOut: bigint): QuoteSheet {
  const message = {
    ...{ provider: signer.address, nonce: 7n, modelId: `0x${'a'.repeat(64)}` as Hex, expiresAt: 4_000_000_000n },
    ...{ unit: 'tokens', priceIn: 1n, priceCachedIn: 1n, priceOut, minimumCharge: 0n },
    ...{ windowTokens: 256, contextTokens: 1_024, concurrency: 8 },
  }
  const quote = { message, signature: signer.sign(notary.hashQuote(message)) }
  const model = { id: 'm', object: 'model' as const, created: 1, owned_by: 'x' }
  return { provider: signer.address, domain: notary.domain, rail: 'vouchers', models: [{ model, quote }] }
}

function openMarket(...entries: ProviderEntry[]) {
  const registry = registryOf(...entries)
  const ends: string[] = []
  const token = { symbol: '' }
  let price = 10n
  const openShop = ({ provider, endpoint }: ProviderEntry): Shop => {
    const run: Backend['run'] = () => {
      throw new ParleyError('backend_failed', 'it only has prices')
    }
    return {
      backend: { name: provider, models: async () => [], run },
      sheet: async () => sheetOf(signers.find(({ address }) => address === provider)!, price),
      close: async () => void ends.push(`closed ${endpoint}`),
      destroy: async () => void ends.push(`destroyed ${endpoint}`),
    }
  }
  const market = createMarket({
    ...{ directory: registry.directory, notary, openShop, clock: systemClock, learnTimeoutMs: 5_000 },
    ...{ isWanted: () => true, keepWarm: () => {}, currency: () => token.symbol },
    log: createEventLog(() => systemClock.now()),
  })
  const setPrice = (to: bigint) => void (price = to)
  return { market, registry, ends, token, setPrice }
}

test('stake counts as a multiple of the least one', async () => {
  const { market } = openMarket(entryOf(signers[0]!, 100n), entryOf(signers[1]!, 400n))
  await market.start(AbortSignal.timeout(5_000))
  await expect.poll(() => market.serving('m').map(({ stakeRatio }) => stakeRatio)).toEqual([4, 1])
  await market.stop()
})

test('a change in the registry has the prices learned at once', async () => {
  const { market, registry, setPrice } = openMarket(entryOf(signers[0]!, 100n))
  await market.start(AbortSignal.timeout(5_000))
  await expect.poll(() => market.serving('m')[0]?.priceOut).toBe(10n)
  setPrice(20n)
  registry.set(entryOf(signers[0]!, 101n))
  await expect.poll(() => market.serving('m')[0]?.priceOut).toBe(20n)
  await market.stop()
})

test('the way to a provider that moved is closed in its own time, and at the end all are broken off', async () => {
  const { market, registry, ends } = openMarket(entryOf(signers[0]!, 100n, '/dns4/old/tcp/1'))
  await market.start(AbortSignal.timeout(5_000))
  registry.set(entryOf(signers[0]!, 100n, '/dns4/new/tcp/1'))
  expect(ends).toEqual(['closed /dns4/old/tcp/1'])
  await market.stop()
  expect(ends.at(-1)).toBe('destroyed /dns4/new/tcp/1')
})

test("the token's name is shown from when it is known", async () => {
  const { market, token } = openMarket(entryOf(signers[0]!, 100n))
  await market.start(AbortSignal.timeout(5_000))
  const currency = () => (market.list()[0]?.models[0]?.pricing as { currency?: string } | undefined)?.currency
  await expect.poll(currency).toBe('')
  token.symbol = 'PLY'
  expect(currency()).toBe('PLY')
  await market.stop()
})
