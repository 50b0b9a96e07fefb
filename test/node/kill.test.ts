import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createEscrowProvider,
  createEscrowReader,
  createSender,
  createSigner,
  createTokenReader,
} from '../../src/chain/index.ts'
import type { ConfigInput } from '../../src/config/index.ts'
import type { LoggedEvent } from '../../src/core/index.ts'
import type { LocalServer } from '../local-server.ts'
import { createScripted } from '../scripted.ts'
import { type Books, DoomedPair, promptPrice, type Side, selling, tokenPrice, windowPrice } from './doomed-pair.ts'
import { sellingOn, serveUpstream } from './market.ts'
import { bound, chainOf, createHome, type DevChain, deposit, freePort, register, startChain } from './stage.ts'

const rounds = Number(process.env.PARLEY_TEST_KILL_ROUNDS ?? 50)
const seed = Number(process.env.PARLEY_TEST_SEED ?? 1)
const stake = 100_000_000n
const deposited = 10_000_000n
const customers = [
  { provider: 1, user: 2 },
  { provider: 3, user: 4 },
]

const endings: (() => unknown)[] = []
let dev: DevChain
let upstream: LocalServer
let pairs: DoomedPair[]

beforeAll(async () => {
  dev = await startChain()
  endings.push(dev.stop)
  upstream = await serveUpstream(createScripted('upstream', ['slow-24', 'say-400']))
  endings.push(upstream.stop)
  pairs = []
  for (const accounts of customers) pairs.push(await createPair(accounts))
  await Promise.all(pairs.map(pair => pair.start()))
}, 120_000)

afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

test(`kill -9 of either node, ${rounds} times at random points of a paid stream: the books meet again`, async () => {
  const share = (at: number) => Math.floor(rounds / pairs.length) + (at < rounds % pairs.length ? 1 : 0)
  await Promise.all(pairs.map((pair, at) => playRounds(pair, share(at), seed + at)))
  for (const pair of pairs) {
    const bad = pair.allEvents().filter(event => 'code' in event && isOfMoney(event.code))
    expect(bad).toEqual([])
  }
  await checkChain()
}, 600_000)

async function createPair({ provider, user }: { provider: number; user: number }): Promise<DoomedPair> {
  const homes = { provider: createHome(), user: createHome() }
  const port = await freePort()
  const { address } = await register(dev, homes.provider.path, provider, port, stake)
  await deposit(dev, user, deposited)
  const pair = new DoomedPair(homes, {
    provider: configOf(provider, { ...sellingOn(port, selling), upstreams: [{ name: 'up', url: upstream.url }] }),
    user: configOf(user, { routing: { allow: [address] } }),
  })
  endings.push(() => pair.stop())
  return pair
}

function configOf(account: number, more: ConfigInput): ConfigInput {
  const { rpcUrl, chainId, registry, escrow, token, accounts } = dev
  return {
    ...more,
    http: { port: 0 },
    models: { nano: false },
    chain: { id: chainId, rpcUrls: [rpcUrl], registry, escrow, token, refreshSeconds: 1 },
    wallet: { privateKey: accounts[account]!.privateKey },
    p2p: { trusted: ['127.0.0.0/8'], dialPrivate: true, ...more.p2p },
  }
}

async function playRounds(pair: DoomedPair, count: number, of: number): Promise<void> {
  const chance = randomOf(of)
  await pair.ask('say-5')
  await pair.level(5n * tokenPrice)
  for (let round = 1; round <= count; round++) {
    const plan = planOf(chance)
    try {
      await playRound(pair, plan, chance)
    } catch (cause) {
      throw new Error(`round ${round} of seed ${of}: ${JSON.stringify(plan)}`, { cause })
    }
  }
}

/** Where the victim dies: at an event of its own, after so many tokens, or after so many milliseconds. */
interface Plan {
  readonly victim: Side
  readonly model: string
  /** Another stream runs beside it, on the same counter. */
  readonly isShared: boolean
  readonly at: { type: string; nth: number } | { tokens: number } | { ms: number }
  /** Dies once more while the session opens again. */
  readonly again: boolean
}

const moments: Readonly<Record<Side, readonly string[]>> = {
  user: ['call.started', 'voucher.given', 'receipt.taken', 'call.ended'],
  provider: ['call.started', 'voucher.accepted', 'receipt.issued', 'call.ended'],
}

function planOf(chance: (below: number) => number): Plan {
  const victim = chance(2) === 0 ? 'user' : 'provider'
  const model = chance(2) === 0 ? 'slow-24' : 'say-400'
  const type = moments[victim][chance(4)]!
  const kinds = [
    { type, nth: type.startsWith('call.') ? 1 : 1 + chance(5) },
    { tokens: 1 + chance(model === 'slow-24' ? 24 : 400) },
    { ms: chance(model === 'slow-24' ? 480 : 60) },
  ]
  return { victim, model, isShared: chance(3) === 0, at: kinds[chance(5) % 3]!, again: chance(4) === 0 }
}

async function playRound(
  pair: DoomedPair,
  { victim, model, isShared, at, again }: Plan,
  chance: (n: number) => number,
) {
  const before = pair.books()
  let arrived = 0
  let calls = 0
  const hear = async (wanted: string, onToken?: (tokens: number) => void) => {
    calls++
    const heard = await pair.ask(wanted, onToken)
    arrived += heard.tokens
    return heard
  }
  if ('type' in at) await pair.process(victim).doom(at)
  const other = isShared ? hear(model) : undefined
  const heard = hear(model, tokens => void ('tokens' in at && tokens === at.tokens && pair.kill(victim)))
  if ('ms' in at) await sleep(at.ms)
  else await heard
  // What did not happen by now, such as a fifth voucher, does not happen: it dies while it settles.
  if (!('ms' in at)) await sleep(chance(5))
  await pair.kill(victim)
  await Promise.all([heard, other])
  checkApart(pair.books(), before)
  await pair.revive()
  if (again) {
    const next = chance(2) === 0 ? 'user' : 'provider'
    await pair.process(next).doom({ type: 'session.opened', nth: 1 })
    await hear('say-5')
    await pair.kill(next)
    await pair.revive()
  }
  const charged = await reconcile(pair, () => hear('say-5'))
  checkLevel(await pair.level(charged), before, {
    arrived: BigInt(arrived),
    calls: BigInt(calls),
    deaths: again ? 2n : 1n,
  })
}

/**
 * One call that succeeds brings both books level. The first may still meet a connection that is gone. Returns what must
 * be charged at least once the call is booked, which is after its app has the answer.
 */
async function reconcile(pair: DoomedPair, call: () => ReturnType<DoomedPair['ask']>): Promise<bigint> {
  let last: unknown
  for (let attempt = 0; attempt < 40; attempt++) {
    const { charged } = pair.books().theirs
    const { tokens, error } = await call()
    if (error === undefined) return charged + BigInt(tokens) * tokenPrice
    last = error
    await sleep(100)
  }
  throw new Error('no call succeeds any more', { cause: last })
}

/** What holds at any moment, whoever is dead. */
function checkApart({ own, theirs }: Books, before: Books): void {
  expect(own.authorized).toBeGreaterThanOrEqual(theirs.authorized)
  expect(theirs.charged).toBeGreaterThanOrEqual(own.charged)
  expect(own.authorized).toBeGreaterThanOrEqual(before.own.authorized)
  expect(own.charged).toBeGreaterThanOrEqual(before.own.charged)
  expect(theirs.authorized).toBeGreaterThanOrEqual(before.theirs.authorized)
  expect(theirs.charged).toBeGreaterThanOrEqual(before.theirs.charged)
  expect(theirs.charged - theirs.authorized).toBeLessThanOrEqual(windowPrice)
}

/** What holds when both have spoken again: nobody lost more than a window, the prompts, and the credit for one more. */
function checkLevel(
  now: Books,
  before: Books,
  { arrived, calls, deaths }: { arrived: bigint; calls: bigint; deaths: bigint },
): void {
  checkApart(now, before)
  const { own, theirs } = now
  expect(own.authorized).toBe(theirs.authorized)
  expect(own.charged).toBe(theirs.charged)
  expect(own.authorized).toBeGreaterThanOrEqual(own.charged)
  expect(own.authorized - own.charged).toBeLessThanOrEqual(windowPrice + promptPrice)
  const paid = own.charged - before.own.charged
  const worth = arrived * tokenPrice
  expect(paid - worth).toBeLessThanOrEqual(deaths * (windowPrice + promptPrice) + calls * promptPrice)
  expect(worth - paid).toBeLessThanOrEqual(deaths * windowPrice)
}

/** Providers claim; the chain then says what the books say, and no unit came or went. */
async function checkChain(): Promise<void> {
  const chain = chainOf(dev)
  const token = createTokenReader(chain, dev.token)
  let claimedInAll = 0n
  for (const [at, { provider, user }] of customers.entries()) {
    const { address, privateKey } = dev.accounts[provider]!
    const { theirs } = await pairs[at]!.level(0n)
    const before = await token.balance(address, bound())
    const desk = createEscrowProvider(createSender(chain, createSigner(privateKey)))
    const { paid } = await desk.claim(address, [theirs.voucher!], bound())
    expect(paid).toBe(theirs.authorized)
    expect((await token.balance(address, bound())) - before).toBe(theirs.authorized)
    const payer = dev.accounts[user]!.address
    expect((await createEscrowReader(chain).pair(payer, address, bound())).claimed).toBe(theirs.authorized)
    expect((await createEscrowReader(chain).account(payer, bound())).free).toBe(deposited - theirs.authorized)
    claimedInAll += paid
  }
  const balance = (holder: typeof dev.escrow) => token.balance(holder, bound())
  const wallets = await Promise.all(dev.accounts.map(({ address }) => balance(address)))
  const [inEscrow, inRegistry] = await Promise.all([balance(dev.escrow), balance(dev.registry)])
  expect(inEscrow).toBe(BigInt(customers.length) * deposited - claimedInAll)
  expect(inRegistry).toBe(BigInt(customers.length) * stake)
  const minted = BigInt(dev.accounts.length) * 1_000_000_000_000n
  expect(wallets.reduce((sum, wallet) => sum + wallet, inEscrow + inRegistry)).toBe(minted)
}

function isOfMoney(code: Extract<LoggedEvent, { code: unknown }>['code']): boolean {
  return ['ledger_conflict', 'payment_mismatch', 'receipt_invalid', 'payment_invalid'].includes(code)
}

/** Park and Miller's numbers: the same rounds for the same seed. */
function randomOf(start: number): (below: number) => number {
  let state = (start * 7_919 + 1) % 2_147_483_647
  return below => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}
