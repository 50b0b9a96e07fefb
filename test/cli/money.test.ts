import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DevChain, startDevChain } from '../chain/dev-chain.ts'
import { parleyHome } from './parley.ts'

let chain: DevChain
beforeAll(async () => {
  chain = await startDevChain()
}, 120_000)
afterAll(() => chain?.stop())

/** A home on this chain whose wallet is one of its accounts. */
function homeOf(account: number) {
  const { rpcUrl, chainId, registry, escrow } = chain
  const home = parleyHome({ 'chain.json': JSON.stringify({ chainId, registry, escrow }) })
  const env = {
    PARLEY_CHAIN_RPC_URLS: rpcUrl,
    PARLEY_CHAIN_DEPLOYMENT: home.file('chain.json'),
    PARLEY_WALLET_PRIVATE_KEY: chain.accounts[account]!.privateKey,
  }
  return {
    address: chain.accounts[account]!.address,
    run: (...args: string[]) => home.run(args, { env }),
    json: (...args: string[]) => home.json(args, { env }),
  }
}

test('a deposit moves whole tokens from the wallet into the escrow, and withdraw takes them back', async () => {
  const { address, json } = homeOf(1)
  const before = (await json('wallet', 'balance')).value
  expect(before).toMatchObject({ v: 1, address, token: { decimals: 6 }, escrow: '0' })
  const deposited = await json('session', 'deposit', '2.50', '--yes')
  expect(deposited).toMatchObject({ code: 0, value: { payer: address, free: '2500000' } })
  const after = (await json('wallet', 'balance')).value
  expect(BigInt(String(after?.tokens))).toBe(BigInt(String(before?.tokens)) - 2_500_000n)
  expect((await json('session', 'withdraw', '--yes')).value).toMatchObject({ state: 'exit-requested' })
  expect((await json('session', 'withdraw', '--yes')).value).toMatchObject({ state: 'waiting' })
  await chain.later(100)
  expect((await json('session', 'withdraw', '--yes')).value).toMatchObject({ state: 'withdrawn' })
  expect((await json('wallet', 'balance')).value).toMatchObject({ tokens: before?.tokens, escrow: '0' })
}, 120_000)

test('a provider registers, is listed, changes its endpoint, adds stake and leaves with all of it', async () => {
  const { address, run, json } = homeOf(2)
  expect((await run('provider', 'status')).code).toBe(7)
  const registered = await json('provider', 'register', '--endpoint', '/ip4/127.0.0.1/tcp/7276', '--yes')
  expect(registered).toMatchObject({ code: 0, value: { provider: address, peerId: expect.stringMatching(/^12D3Koo/) } })
  expect((await json('providers')).value).toMatchObject({
    v: 1,
    providers: [{ provider: address, endpoint: '/ip4/127.0.0.1/tcp/7276', stake: '100000000' }],
  })
  expect((await json('provider', 'update', '--endpoint', '/ip4/127.0.0.2/tcp/7276')).code).toBe(0)
  expect((await json('provider', 'stake', '5', '--yes')).code).toBe(0)
  expect((await json('provider', 'status')).value).toMatchObject({
    endpoint: '/ip4/127.0.0.2/tcp/7276',
    peerId: registered.value!.peerId,
    stake: '105000000',
  })
  expect((await json('provider', 'claim')).value).toMatchObject({ paid: '0', rows: [] })
  expect((await json('provider', 'exit', '--yes')).value).toMatchObject({ state: 'exit-requested' })
  expect((await json('provider', 'exit', '--yes')).value).toMatchObject({ state: 'waiting' })
  await chain.later(100)
  expect((await json('provider', 'exit', '--yes')).value).toMatchObject({ state: 'withdrawn' })
}, 120_000)

test('a key may have a limit of its own, given in whole tokens', async () => {
  const { json } = homeOf(3)
  expect(await json('key', 'new', 'editor', '--max-price', '0.25')).toMatchObject({
    code: 0,
    value: { maxPrice: '250000' },
  })
  expect((await json('key', 'new', 'editor', '--max-price', '0.0000001')).code).toBe(2)
})

test('money is never moved without a yes', async () => {
  const { run } = homeOf(3)
  const { code, stderr } = await run('session', 'deposit', '1')
  expect(code).toBe(2)
  expect(stderr).toContain('--yes')
})

test('a stake below what the registry asks and an amount the wallet lacks end with exit 6', async () => {
  const { run } = homeOf(3)
  const at = (endpoint: string) => run('provider', 'register', '--stake', '1', '--endpoint', endpoint, '--yes')
  expect((await at('https://a.example/v1')).code).toBe(2)
  const register = await at('/dns4/a.example/tcp/7276')
  expect(register).toMatchObject({ code: 6, stderr: expect.stringContaining('stake_too_low') })
  expect((await run('session', 'deposit', '999999999', '--yes')).code).toBe(6)
})

test('another chain behind the RPC endpoint is refused, and none at all is a network error', async () => {
  const { run } = homeOf(3)
  expect((await run('wallet', 'balance', '--chain-id', '1')).code).toBe(3)
  expect((await run('wallet', 'balance', '--chain-rpc-urls', 'http://127.0.0.1:9')).code).toBe(5)
})

test('without a chain the commands that need one say what to set', async () => {
  const { code, stderr } = await parleyHome().run(['providers'])
  expect(code).toBe(3)
  expect(stderr).toContain('chain.rpcUrls')
})
