import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createEscrowPayer, createSender, createSigner } from '../../src/chain/index.ts'
import { appOf, offered, until } from './market.ts'
import { bound, chainOf, createHome, type DevChain, freePort, register, startChain } from './stage.ts'
import { later, type Managed, startOnChain, walletPassword } from './treasury.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const nano = 'parley-nano'
const unit = 1_000_000n
const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }]
let dev: DevChain
let seller: Managed
let buyer: Managed
let endpoint: string

beforeAll(async () => {
  dev = await startChain()
  const port = await freePort()
  endpoint = `/ip4/127.0.0.1/tcp/${port}`
  seller = await startOnChain(dev, 1, { provider: { enabled: true }, p2p: { listen: [endpoint] } })
  buyer = await startOnChain(dev, undefined, { models: { nano: false } })
})
afterAll(async () => {
  await buyer?.stop()
  await seller?.stop()
  await dev?.stop()
})

interface Whereabouts {
  wallet: string
  escrow: string
  free: string
  reserved: string
  owed: string
  refundable: string
  total: string
}

function expectSound(where: Whereabouts): Record<keyof Whereabouts, bigint> {
  const all = Object.fromEntries(Object.entries(where).map(([name, amount]) => [name, BigInt(amount)]))
  const { wallet, escrow, free, reserved, owed, refundable, total } = all as Record<keyof Whereabouts, bigint>
  expect(escrow).toBe(free + reserved)
  expect(escrow).toBe(owed + refundable)
  expect(total).toBe(wallet + owed + refundable)
  return all as Record<keyof Whereabouts, bigint>
}

async function buy(): Promise<void> {
  const answer = await appOf(buyer.node).chat.completions.create({ model: nano, temperature: 0, messages })
  expect(answer.choices[0]!.message.content).toContain('Paris')
}

describe('a provider', () => {
  test('enters the registry, and makes it say what is sold', async () => {
    const before = (await seller.api('GET /selling')).body
    expect(before).toMatchObject({ enabled: true, registered: null, terms: { minStake: String(100n * unit) } })
    expect(before.offers[0]).toMatchObject({ model: nano, registry: null, isListed: false })
    expect((await seller.api('POST /selling/offers', {})).body.error.code).toBe('conflict')
    const nowhere = await seller.api('POST /selling/register', {})
    expect(nowhere).toMatchObject({ status: 400, body: { error: { param: 'endpoint' } } })
    const url = await seller.api('POST /selling/register', { endpoint: 'https://a.example' })
    expect(url).toMatchObject({ status: 400, body: { error: { param: 'endpoint' } } })
    const little = await seller.api('POST /selling/register', { endpoint, stake: '1' })
    expect(little).toMatchObject({ status: 400, body: { error: { code: 'stake_too_low' } } })
    const entered = await seller.api('POST /selling/register', { endpoint })
    expect(entered.body).toMatchObject({ state: 'active', stake: String(100n * unit), readyAt: null })
    expect(entered.body.transaction).toMatch(/^0x[0-9a-f]{64}$/)
    expect((await seller.api('POST /selling/register', { endpoint })).body.error.code).toBe('conflict')
    expect((await seller.api('POST /selling/offers', {})).body.transaction).toMatch(/^0x/)
    expect((await seller.api('POST /selling/offers', {})).body.transaction).toBeNull()
    const after = (await seller.api('GET /selling')).body
    expect(after.registered).toMatchObject({ stake: String(100n * unit), endpoint, exitAt: null })
    expect(after.offers.every((offer: { isListed: boolean }) => offer.isListed)).toBe(true)
    expect(BigInt(after.gasEstimate)).toBeGreaterThan(0n)
  })

  test('adds to its stake by whole tokens', async () => {
    expect((await seller.api('POST /selling/stake', { amount: '2.5' })).body.stake).toBe(String(102_500_000n))
    expect((await seller.api('POST /selling/stake', { amount: '0' })).status).toBe(400)
    expect((await seller.api('POST /selling/stake', { amount: 'a lot' })).body.error.param).toBe('amount')
  })
})

describe('a node without a wallet', () => {
  test('says so, and that something comes first', async () => {
    const { body } = await buyer.api('GET /wallet')
    expect(body).toMatchObject({ state: 'none', address: null, balances: null, faucet: true, others: [] })
    expect(body.chain).toMatchObject({ id: '31337', isStale: false })
    expect(body.token).toMatchObject({ decimals: 6 })
    expect((await buyer.api('GET /escrow')).body).toMatchObject({ state: null, providers: [], whereIsMyMoney: null })
    expect((await buyer.api('POST /escrow/deposit', { amount: '1' })).body.error.code).toBe('not_found')
    expect((await buyer.api('POST /wallet/unlock', { password: walletPassword })).body.error.code).toBe('not_found')
  })

  test('sees the registry, and reaches who is in it', async () => {
    await until(() => buyer.node.status().models.includes(nano), 'the provider is learned')
    const { body } = await buyer.api('GET /network')
    expect(body).toMatchObject({ total: 1, chain: { id: '31337' }, rpc: [{ error: null }] })
    expect(body.providers[0]).toMatchObject({ endpoint, state: 'up', self: false, offers: 1 })
    expect(body.providers[0].models[0]).toMatchObject({ id: nano, pricing: { unit: 'tokens' } })
    const { provider } = body.providers[0]
    expect((await buyer.api(`POST /network/${provider}/reach`, {})).body).toMatchObject({ ok: true, error: null })
    const nobody = dev.accounts[3]!.address
    expect((await buyer.api(`POST /network/${nobody}/reach`, {})).status).toBe(404)
    expect((await buyer.api('POST /network/somebody/reach', {})).status).toBe(400)
    expect((await seller.api('GET /network')).body.providers[0]).toMatchObject({ state: 'self', self: true })
  })

  test('makes one, fills it, pays and is answered, without a new start', async () => {
    await expect(buy()).rejects.toMatchObject({ status: 402, code: 'payment_required' })
    const short = await buyer.api('POST /wallet', { password: 'sesame' })
    expect(short.status).toBe(400)
    expect(short.text).not.toContain('sesame')
    const made = await buyer.api('POST /wallet', { password: walletPassword })
    expect(made).toMatchObject({
      status: 201,
      body: { state: 'open', name: 'default', balances: { wallet: '0', gas: '0' } },
    })
    expect((await buyer.api('POST /wallet', { password: walletPassword })).body.error.code).toBe('conflict')
    await expect(buy()).rejects.toMatchObject({ status: 402, code: 'insufficient_funds' })
    const poor = await buyer.api('POST /escrow/deposit', { amount: '5' })
    expect(poor.body.error).toMatchObject({ code: 'insufficient_funds', details: { held: '0', asset: 'gas' } })
    const filled = await buyer.api('POST /wallet/faucet', {})
    expect(filled.body).toMatchObject({ state: 'open', balances: { wallet: String(100n * unit) } })
    const many = await buyer.api('POST /escrow/deposit', { amount: '100.5' })
    expect(many.status).toBe(402)
    expect(many.body.error).toMatchObject({
      code: 'insufficient_funds',
      details: { held: String(100n * unit), needed: '100500000' },
    })
    const deposited = await buyer.api('POST /escrow/deposit', { amount: '5' })
    expect(deposited.body).toMatchObject({ state: 'open', readyAt: null })
    expect(expectSound(deposited.body.whereIsMyMoney)).toMatchObject({ wallet: 95n * unit, free: 5n * unit })
    await offered(buyer.node, nano)
    await buy()
    const { body } = await buyer.api('GET /escrow')
    expect(body).toMatchObject({ state: 'open', isOurs: true, providers: [{ claimed: '0', models: [nano] }] })
    const { total, owed } = expectSound(body.whereIsMyMoney)
    expect(total).toBe(100n * unit)
    expect(owed).toBeGreaterThan(0n)
    expect(BigInt(body.providers[0].authorized)).toBe(owed)
    expect((await buyer.api('GET /wallet')).body.caps).toMatchObject({ perDay: String(5n * unit) })
  })
})

describe('money', () => {
  test('that was earned is told by day, hour and payer, and claimed', async () => {
    const { address } = (await buyer.api('GET /wallet')).body
    const before = (await seller.api('GET /selling')).body
    expect(before.payers).toHaveLength(1)
    expect(BigInt(before.totals.owed)).toBeGreaterThan(0n)
    for (const groupBy of ['hour', 'day', 'payer']) {
      const { body } = await seller.api(`GET /selling/earnings?groupBy=${groupBy}`)
      expect(body).toMatchObject({ groupBy, data: [{ calls: 1 }], total: { earned: before.totals.earned, calls: 1 } })
      if (groupBy === 'payer') expect(body.data[0].payer.toLowerCase()).toBe(address.toLowerCase())
      else expect(Date.parse(body.data[0].start)).toBeLessThanOrEqual(Date.now())
    }
    expect((await seller.api('GET /selling/earnings?groupBy=hour&from=2020-01-01')).status).toBe(400)
    const held = BigInt((await seller.api('GET /wallet')).body.balances.wallet)
    const claimed = await seller.api('POST /selling/claim', {})
    expect(claimed.body).toMatchObject({ paid: before.totals.owed, rows: [{ reason: null }], failure: null })
    expect(BigInt((await seller.api('GET /wallet')).body.balances.wallet)).toBe(held + BigInt(before.totals.owed))
    expect((await seller.api('GET /selling')).body.totals).toMatchObject({ claimed: before.totals.owed, owed: '0' })
    expect((await seller.api('POST /selling/claim', {})).body).toMatchObject({ transaction: null, paid: '0' })
  })

  test('is in one place, whatever happened to it', async () => {
    const look = async () => (await buyer.api('GET /escrow')).body
    // The chain is read every few seconds, however often one asks.
    await vi.waitUntil(async () => (await look()).whereIsMyMoney.claimed !== '0', { timeout: 20_000, interval: 200 })
    const { whereIsMyMoney, providers } = await look()
    const { total, owed } = expectSound(whereIsMyMoney)
    expect(owed).toBe(0n)
    expect(total).toBe(100n * unit - BigInt(whereIsMyMoney.claimed))
    expect(providers[0].claimed).toBe(whereIsMyMoney.claimed)
  })

  test('is not moved by wrong words', async () => {
    for (const amount of ['0', '-1', '1e3', '', '1.0000001', 5]) {
      const { status, body } = await buyer.api('POST /escrow/deposit', { amount })
      expect([amount, status, body.error.param]).toEqual([amount, 400, 'amount'])
    }
    expect((await buyer.api('POST /escrow/withdraw', {})).body.error.code).toBe('conflict')
    expect((await buyer.api('POST /escrow/exit', { now: true })).status).toBe(400)
  })

  test('is seen by viewers and moved by admins', async () => {
    const viewer = await buyer.join('viewer')
    const operator = await buyer.join('operator')
    for (const route of ['wallet', 'escrow', 'network', 'selling', 'selling/earnings', 'doctor', 'status']) {
      expect((await buyer.api(`GET /${route}`, undefined, viewer)).status).toBe(200)
    }
    const { summary } = (await buyer.api('GET /status', undefined, viewer)).body
    expect(summary).toMatchObject({ chain: { id: '31337', error: null }, selling: false, balance: { decimals: 6 } })
    expect(summary.models).toBeGreaterThan(0)
    for (const route of [
      'wallet',
      'wallet/import',
      'wallet/unlock',
      'wallet/faucet',
      'escrow/deposit',
      'escrow/exit',
    ]) {
      expect((await buyer.api(`POST /${route}`, {}, operator)).status).toBe(403)
    }
    expect((await buyer.api(`POST /network/${dev.accounts[3]!.address}/reach`, {}, operator)).status).toBe(404)
  })

  test('comes home after an exit and its delay, and another account begins', async () => {
    const asked = await buyer.api('POST /escrow/exit', {})
    expect(asked.body).toMatchObject({ state: 'exiting', readyAt: expect.any(String) })
    expect((await buyer.api('POST /escrow/exit', {})).body.error.code).toBe('conflict')
    expect((await buyer.api('POST /escrow/deposit', { amount: '1' })).body.error.code).toBe('conflict')
    const early = await buyer.api('POST /escrow/withdraw', {})
    expect(early.body.error).toMatchObject({ code: 'conflict', details: { readyAt: asked.body.readyAt } })
    await later(dev, 100)
    const home = await buyer.api('POST /escrow/withdraw', {})
    expect(home.body).toMatchObject({ state: 'closed', whereIsMyMoney: { escrow: '0' } })
    expect(expectSound(home.body.whereIsMyMoney).wallet).toBeGreaterThan(99n * unit)
    expect((await buyer.api('POST /escrow/withdraw', {})).body.error.code).toBe('conflict')
    expect((await buyer.api('POST /escrow/deposit', { amount: '3' })).body.state).toBe('open')
    expect((await buyer.api('GET /escrow')).body).toMatchObject({ epoch: '1', isOurs: true })
    await buy()
    const more = await Promise.all(['1', '0.5'].map(amount => buyer.api('POST /escrow/deposit', { amount })))
    expect(more.map(({ status }) => status)).toEqual([200, 200])
    expectSound(more[1]!.body.whereIsMyMoney)
    expect((await buyer.api('GET /escrow')).body.whereIsMyMoney.free).toBe('4500000')
  })

  test('that is staked comes home after the unbonding time', async () => {
    const asked = await seller.api('POST /selling/exit', {})
    expect(asked.body).toMatchObject({ state: 'leaving', readyAt: expect.any(String) })
    expect((await seller.api('POST /selling/exit', {})).body.error.code).toBe('conflict')
    expect((await seller.api('GET /selling')).body.registered.exitAt).toBe(asked.body.readyAt)
    await later(dev, 100)
    expect((await seller.api('POST /selling/exit', {})).body).toMatchObject({ state: 'unregistered', stake: '0' })
  })
})

describe('others in the registry', () => {
  test('that cannot be reached are told apart', async () => {
    const away = createHome()
    const { address } = await register(dev, away.path, 2, await freePort())
    away.remove()
    const listed = async () => {
      const rows = (await buyer.api('GET /network')).body.providers as { provider: string; state: string }[]
      return rows.find(({ provider }) => provider === address)
    }
    await vi.waitUntil(async () => (await listed())?.state === 'failing', { timeout: 20_000, interval: 100 })
    const { body } = await buyer.api(`POST /network/${address}/reach`, {})
    expect(body).toMatchObject({ ok: false, error: { code: 'peer_unreachable' } })
  })
})

describe('an account that pays through a key of another machine', () => {
  test('is shown as such, and nothing is put into it from here', async () => {
    const { privateKey } = dev.accounts[3]!
    const elsewhere = createSigner(`0x${'7'.repeat(64)}`).address
    const payer = createEscrowPayer(createSender(chainOf(dev), createSigner(privateKey)))
    await payer.deposit(3n * unit, elsewhere, bound())
    const here = await startOnChain(dev, 3, { models: { nano: false } })
    try {
      const { body } = await here.api('GET /escrow')
      expect(body).toMatchObject({ state: 'open', isOurs: false, whereIsMyMoney: { free: String(3n * unit) } })
      expect((await here.api('POST /escrow/deposit', { amount: '1' })).body.error.code).toBe('conflict')
    } finally {
      await here.stop()
    }
  })
})

describe('secrets', () => {
  test('of a wallet are in no answer, no log and no event', async () => {
    const { privateKey, address } = dev.accounts[3]!
    const more = await buyer.api('POST /wallet/import', { name: 'second', password: walletPassword, privateKey })
    expect(more.body.others).toEqual([{ name: 'second', address }])
    const both = { name: 'third', password: walletPassword, privateKey, keystore: '{"no":"keystore"}' }
    const answers = [
      more,
      await buyer.api('POST /wallet/import', both),
      await buyer.api('POST /wallet/import', { name: 'third', password: walletPassword, keystore: '{"a":"secret"}' }),
      await buyer.api('POST /wallet/import', { name: 'third', password: walletPassword, privateKey: 'nonsense-key' }),
      await buyer.api('POST /wallet/unlock', { password: 'not the password' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 400, 400, 400, 400])
    const heard = JSON.stringify([answers, buyer.node.log.recent()], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    for (const secret of [privateKey.slice(2), walletPassword, 'not the password', 'nonsense-key', '{"a"']) {
      expect(heard).not.toContain(secret)
    }
    expect(buyer.node.log.recent()).toContainEqual(
      expect.objectContaining({ type: 'management.changed', route: 'POST /api/wallet/import', actor: 'machine:admin' }),
    )
  })
})

describe('a node whose chain is gone', () => {
  test('tells what it knew last, and moves nothing', async () => {
    const { balances } = (await seller.api('GET /wallet')).body
    await dev.stop()
    await vi.waitUntil(async () => (await seller.api('GET /wallet')).body.chain.error !== null, { timeout: 30_000 })
    const { body } = await seller.api('GET /wallet')
    expect(body).toMatchObject({ state: 'open', balances, chain: { isStale: true } })
    expect((await seller.api('GET /status')).body.summary.chain.error).toContain('chain.rpcUrls')
    expect((await seller.api('POST /selling/claim', {})).body.error.code).toBe('chain_unavailable')
    expect((await seller.api('POST /wallet', { password: walletPassword })).body.error.code).toBe('conflict')
  })
})

describe('a node without a chain', () => {
  test('keeps a wallet that is locked until somebody opens it', async () => {
    const home = createHome()
    const places = { ...home, remove: () => {} }
    const first = await startOnChain(undefined, undefined, { models: { nano: false } }, places)
    const made = await first.api('POST /wallet', { password: walletPassword })
    expect(made.body).toMatchObject({ state: 'open', chain: null, balances: null })
    await first.stop()
    const next = await startOnChain(undefined, undefined, { models: { nano: false } }, home)
    try {
      expect((await next.api('GET /wallet')).body).toMatchObject({ state: 'locked', address: made.body.address })
      const wrong = await next.api('POST /wallet/unlock', { password: 'not the password' })
      expect(wrong.body.error).toMatchObject({ code: 'invalid_request', param: 'password' })
      expect((await next.api('GET /wallet')).body.state).toBe('locked')
      expect((await next.api('POST /wallet/unlock', { password: walletPassword })).body.state).toBe('open')
    } finally {
      await next.stop()
    }
  })

  test('answers with nothing, and says what to configure', async () => {
    const alone = await startOnChain(undefined, undefined, { models: { nano: false } })
    try {
      expect((await alone.api('GET /wallet')).body).toMatchObject({ state: 'none', chain: null, token: null })
      expect((await alone.api('GET /escrow')).body).toMatchObject({ chain: null, providers: [], state: null })
      expect((await alone.api('GET /network')).body).toMatchObject({ chain: null, providers: [], rpc: [], peer: null })
      expect((await alone.api('GET /selling')).body).toMatchObject({ chain: null, payers: [], offers: [] })
      expect((await alone.api('GET /selling/earnings')).body.data).toEqual([])
      const { body } = await alone.api('GET /status')
      expect(body.summary).toEqual({
        chain: null,
        peers: null,
        models: 0,
        balance: null,
        selling: false,
        archive: false,
      })
      for (const route of ['escrow/exit', 'escrow/withdraw', 'selling/claim', 'selling/register', 'wallet/faucet']) {
        const { status, body: said } = await alone.api(`POST /${route}`, {})
        expect([route, status, said.error.code]).toEqual([route, 501, 'unsupported'])
        expect(said.error.message).toContain('chain.rpcUrls')
      }
      const findings = (await alone.api('GET /doctor')).body.data as { name: string; state: string }[]
      expect(findings.map(({ name }) => name)).toContain('chain')
      expect(findings.filter(({ state }) => state === 'failed')).toEqual([])
    } finally {
      await alone.stop()
    }
  })
})
