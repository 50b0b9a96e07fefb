import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createRegistryMember,
  createRegistryOffers,
  createSender,
  createSigner,
  type RegistryMember,
} from '../../src/chain/index.ts'
import type { ConfigInput } from '../../src/config/index.ts'
import type { ParleyNode } from '../../src/node/index.ts'
import {
  channelOf,
  type Market,
  offered,
  openMarket,
  providerAccount,
  sellingOn,
  until,
  userAccount,
} from './market.ts'
import { bound, chainOf, configOf, createHome, freePort, register, startNode } from './stage.ts'

const nano = 'parley-nano'
const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }]
const endings: (() => unknown)[] = []
let market: Market
let provider: ParleyNode
let user: ParleyNode
let key: string

beforeAll(async () => {
  market = await openMarket()
  provider = market.provider.node
  user = market.user.node
  key = user.firstKey!
})
afterAll(async () => {
  await user?.stop()
  await provider?.stop()
  for (const end of endings) await end()
  await market?.stop()
})

interface Seen {
  readonly provider: string
  readonly endpoint: string
  readonly stake: string
  readonly error: unknown
  readonly models: { id: string; pricing: { prompt: string; completion: string } }[]
}

/** What the user node says of a provider. */
function seen(account = providerAccount): Seen | undefined {
  const { address } = market.dev.accounts[account]!
  return (user.status().providers as Seen[]).find(({ provider }) => provider === address)
}

function chainStatus() {
  return user.status().chain as { providers: number; isStale: boolean; error: string | null; readAt: number }
}

function senderOf(account: number) {
  return createSender(chainOf(market.dev), createSigner(market.dev.accounts[account]!.privateKey))
}

function memberOf(account: number): RegistryMember {
  return createRegistryMember(senderOf(account))
}

async function restartProvider(port: number, more: ConfigInput): Promise<void> {
  await provider.stop()
  provider = await startNode(configOf(market.dev, market.provider.home, providerAccount, sellingOn(port, more)))
}

/** Buys one answer and gives what it cost. */
async function buy(): Promise<bigint> {
  const before = channelOf(market.user.home, 'user')?.charged ?? 0n
  const ai = new OpenAI({ baseURL: user.url, apiKey: key, maxRetries: 0 })
  const answer = await ai.chat.completions.create({ model: nano, temperature: 0, messages })
  expect(answer.choices[0]!.message.content).toContain('Paris')
  const charged = () => channelOf(market.user.home, 'user')!.charged
  await until(() => charged() > before, 'it is booked')
  return charged() - before
}

test('a price that changes is shown and paid after the registry says so', async () => {
  const cheap = await buy()
  expect(seen()?.models[0]?.pricing).toMatchObject({ prompt: '200000', completion: '600000' })
  await restartProvider(market.provider.port, { provider: { prices: { in: '20', out: '60' } } })
  expect(seen()?.models[0]?.pricing.completion).toBe('600000')
  const offers = provider.status().selling.map(({ modelId, priceIn, priceOut, contextTokens }) => {
    const prices = { priceIn: BigInt(priceIn), priceOut: BigInt(priceOut) }
    return { modelId, ...prices, contextTokens, capabilities: 0, expiresAt: 0n }
  })
  await createRegistryOffers(senderOf(providerAccount)).set(offers, bound())
  await until(() => seen()?.models[0]?.pricing.completion === '60000000', 'the new price is known')
  expect(await buy()).toBeGreaterThan(50n * cheap)
})

test('stake that is added is seen', async () => {
  expect(seen()?.stake).toBe('100000000')
  await memberOf(providerAccount).topUp(50_000_000n, bound())
  await until(() => seen()?.stake === '150000000', 'the new stake is known')
})

test('a provider that moves is followed to its new endpoint', async () => {
  const port = await freePort()
  await restartProvider(port, {})
  const { address } = market.dev.accounts[providerAccount]!
  const { peerId } = provider.status().p2p as { peerId: string }
  const endpoint = `/ip4/127.0.0.1/tcp/${port}`
  await memberOf(providerAccount).update({ endpoint, peerId, signer: address, payout: address }, bound())
  await until(() => seen()?.endpoint === endpoint && seen()?.models.length === 1, 'the new endpoint is known')
  await buy()
})

test('a provider that comes is listed, and one that leaves is not', async () => {
  const other = 3
  const home = createHome()
  endings.push(home.remove)
  await register(market.dev, home.path, other, await freePort())
  await until(() => seen(other) !== undefined, 'it is listed')
  await memberOf(other).requestExit(bound())
  await until(() => seen(other) === undefined, 'it is gone')
})

test('when the chain goes away, open sessions go on and the node says so', async () => {
  expect(chainStatus()).toMatchObject({ isStale: false, error: null })
  await market.dev.stop()
  await until(() => chainStatus().error !== null, 'the outage is noticed')
  expect(chainStatus()).toMatchObject({ isStale: true, providers: 2 })
  expect(user.log.recent()).toContainEqual(expect.objectContaining({ type: 'registry.unavailable', usingCache: true }))
  expect(await buy()).toBeGreaterThan(0n)
})

test('without its chain a user node starts from its cache, says so, and buys', async () => {
  await user.stop()
  user = await startNode(configOf(market.dev, market.user.home, userAccount, { models: { nano: false } }))
  await offered(user, nano)
  await until(() => chainStatus().error !== null, 'the outage is noticed')
  expect(chainStatus()).toMatchObject({ isStale: true, providers: 2, readAt: expect.any(Number) })
  expect(seen()?.stake).toBe('150000000')
  expect(await buy()).toBeGreaterThan(0n)
  const book = () => channelOf(market.user.home, 'user')!
  await until(() => channelOf(market.provider.home, 'provider')!.charged === book().charged, 'both books agree')
})
