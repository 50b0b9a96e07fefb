import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createEscrowPayer,
  createEscrowProvider,
  createEscrowReader,
  createSender,
  createSigner,
  createTokenReader,
} from '../../src/chain/index.ts'
import { type Channel, systemClock } from '../../src/core/index.ts'
import type { ParleyNode } from '../../src/node/index.ts'
import { createScripted } from '../scripted.ts'
import { appOf, offered, readBook, sellingOn, serveUpstream, until } from './market.ts'
import {
  bound,
  chainOf,
  configOf,
  createHome,
  type DevChain,
  deposit,
  freePort,
  register,
  startChain,
  startNode,
} from './stage.ts'

const endings: (() => unknown)[] = []
let dev: DevChain
let user: ParleyNode
let passedMs = 0
const far = createHome()
const near = createHome()
const clock = { now: () => systemClock.now() + passedMs, monotonic: () => systemClock.monotonic() + passedMs }

beforeAll(async () => {
  endings.push(far.remove, near.remove)
  dev = await startChain()
  endings.push(dev.stop)
  const upstream = await serveUpstream(createScripted())
  endings.push(upstream.stop)
  const port = await freePort()
  await register(dev, far.path, 1, port)
  await deposit(dev, 2, 1_000_000n)
  const selling = {
    models: { nano: false },
    upstreams: [{ name: 'up', url: upstream.url }],
    ...sellingOn(port, { provider: { prices: { in: '2', out: '10' } } }),
  }
  const provider = await startNode(configOf(dev, far.path, 1, selling), clock)
  endings.push(provider.stop)
  user = await startNode(configOf(dev, near.path, 2, { models: { nano: false } }), clock)
  endings.push(user.stop)
  await offered(user, 'say-5')
})

afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

test('an account that was closed and opened again pays on from what was claimed, and not a unit more or less', async () => {
  const [former, claimedBefore] = [await buy(3), await claim()]
  expect(claimedBefore).toBe(former.authorized)

  await reopen()
  const again = await buy(4)
  expect(again.key.epoch).toBe(1n)
  expect(again.charged - former.charged).toBe((former.charged / 3n) * 4n)
  expect(again.authorized).toBeGreaterThan(claimedBefore)

  const claimed = await claim()
  expect(claimed).toBe(again.authorized)
  expect(claimed - again.charged).toBeGreaterThanOrEqual(0n)
  // Nothing but the credit for one more prompt was paid ahead, and that of the former epoch was not lost.
  expect(claimed - again.charged).toBeLessThan(former.charged / 3n)
})

test('a user node that starts without its chain pays known providers in the epoch it paid last', async () => {
  const key = user.firstKey
  await user.stop()
  const alone = { models: { nano: false }, chain: { rpcUrls: ['http://127.0.0.1:9'] } }
  const started = await startNode(configOf(dev, near.path, 2, alone), clock)
  endings.push(started.stop)
  await offered(started, 'say-5')
  const before = newest('user')!
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'say-5', messages: [{ role: 'user', content: 'hello' }] })
  const response = await fetch(`${started.url}/chat/completions`, { method: 'POST', headers, body })
  expect(response.status).toBe(200)
  await until(() => newest('user')!.charged > before.charged, 'the call is charged')
  expect(newest('user')!.key.epoch).toBe(1n)
})

async function buy(calls: number): Promise<Channel> {
  for (let call = 0; call < calls; call++) {
    const answer = await ask()
    expect(answer.choices[0]!.message.content).toBe('w0 w1 w2 w3 w4 ')
  }
  await until(() => {
    const [own, theirs] = [newest('user'), newest('provider')]
    return own?.authorized === theirs?.authorized && own?.charged === theirs?.charged
  }, 'the books are level')
  const [own, theirs] = [newest('user')!, newest('provider')!]
  expect({ ...own, key: undefined, claimed: undefined }).toEqual({ ...theirs, key: undefined, claimed: undefined })
  return theirs
}

function ask() {
  return appOf(user).chat.completions.create({ model: 'say-5', messages: [{ role: 'user', content: 'hello' }] })
}

function newest(side: 'user' | 'provider'): Channel | undefined {
  return readBook(side === 'user' ? near.path : far.path, ledger => ledger.channels(side)).at(-1)
}

/** Claims the newest voucher; what the provider was paid in all, by its wallet, by the escrow, and by the event. */
async function claim(): Promise<bigint> {
  const { address, privateKey } = dev.accounts[1]!
  const token = createTokenReader(chainOf(dev), dev.token)
  const before = await token.balance(address, bound())
  const desk = createEscrowProvider(createSender(chainOf(dev), createSigner(privateKey)))
  const { paid, rows } = await desk.claim(address, [newest('provider')!.voucher!], bound())
  expect((await token.balance(address, bound())) - before).toBe(paid)
  const { claimed } = await createEscrowReader(chainOf(dev)).pair(dev.accounts[2]!.address, address, bound())
  expect(rows).toMatchObject([{ outcome: 'paid', claimed }])
  return claimed
}

/** The payer leaves, waits, takes its money home and comes back with the session key of the next epoch. */
async function reopen(): Promise<void> {
  const payer = createEscrowPayer(createSender(chainOf(dev), createSigner(dev.accounts[2]!.privateKey)))
  await payer.requestExit(bound())
  await later(7_200)
  await payer.withdraw([], bound())
  await expect(ask()).rejects.toMatchObject({ status: 402, code: 'insufficient_funds' })
  await deposit(dev, 2, 500_000n, 1n)
  await later(2)
}

/** Time passes, for the chain and for the nodes. */
async function later(seconds: number): Promise<void> {
  for (const [method, params] of [
    ['evm_increaseTime', [seconds]],
    ['evm_mine', []],
  ]) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(dev.rpcUrl, { method: 'POST', headers, body })).ok).toBe(true)
  }
  passedMs += seconds * 1_000
}
