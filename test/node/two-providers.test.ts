import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Backend, systemRandom } from '../../src/core/index.ts'
import { createNode, type ParleyNode } from '../../src/node/index.ts'
import type { LocalServer } from '../local-server.ts'
import { createScripted, type Scripted } from '../scripted.ts'
import { channelOf, sellingOn, serveUpstream, until, userAccount } from './market.ts'
import { type NodeProcess, startNodeProcess } from './processes.ts'
import {
  bound,
  configInputOf,
  configOf,
  createHome,
  type DevChain,
  deposit,
  freePort,
  register,
  startChain,
} from './stage.ts'

/** At A a token of output costs 10 units and one of input 2; at B ten times as much, so that A is asked first. */
const outPrice = 10n
const windowTokens = 32
const window = outPrice * BigInt(windowTokens)
const messages = [{ role: 'user' as const, content: 'hello' }]
/** 5 bytes are 2 tokens by the common measure, and 8 for the message. */
const promptPrice = 20n

interface Seller {
  readonly account: number
  readonly home: ReturnType<typeof createHome>
  readonly port: number
  readonly truth: Scripted
  readonly upstream: LocalServer
  readonly prices: { in: string; out: string }
  process: NodeProcess
}

let dev: DevChain
let user: ParleyNode
let ai: OpenAI
let a: Seller
let b: Seller
const home = createHome()
/** What the user node sent to its app over the newest stream, byte for byte. */
let raw = ''

beforeAll(async () => {
  dev = await startChain()
  await deposit(dev, userAccount, 50_000_000n)
  a = await openSeller(1, { in: '2', out: '10' }, { early: 'mute-1', late: 'slow-1000', probe: 'say-1' })
  b = await openSeller(3, { in: '20', out: '100' }, { early: 'say-5', late: 'say-5', probe: 'say-1' })
  const routing = { policy: 'cheapest' as const }
  const config = configOf(dev, home.path, userAccount, { models: { nano: false }, routing })
  user = await createNode({ config, env: {}, random: { ...systemRandom, fraction: () => 0.99 } })
  await user.start(bound())
  ai = new OpenAI({ baseURL: user.url, apiKey: user.firstKey!, maxRetries: 0, fetch: listening })
  await bothKnown()
})
afterAll(async () => {
  await user?.stop()
  for (const seller of [a, b]) {
    await seller?.process.kill()
    await seller?.upstream.stop()
    seller?.home.remove()
  }
  home.remove()
  await dev?.stop()
})

async function openSeller(account: number, prices: Seller['prices'], names: Record<string, string>): Promise<Seller> {
  const [place, port, truth] = [createHome(), await freePort(), createScripted(`backend of ${account}`)]
  await register(dev, place.path, account, port)
  const upstream = await serveUpstream(renamed(truth, names))
  const seller = { account, home: place, port, truth, upstream, prices }
  return { ...seller, process: await startSeller(seller) }
}

/** The script under names that do not tell how it will behave. */
function renamed(truth: Scripted, names: Record<string, string>): Backend {
  const models = async () =>
    Object.keys(names).map(id => ({ id, object: 'model' as const, created: 1, owned_by: truth.name }))
  return {
    name: truth.name,
    models,
    run: (call, context) =>
      truth.run({ ...call, body: { ...call.body, model: names[call.body.model]! } } as typeof call, context),
  }
}

function startSeller({ account, home, port, upstream, prices }: Omit<Seller, 'process'>): Promise<NodeProcess> {
  const provider = { prices, windowTokens, claim: { everySeconds: 0 } }
  const config = configInputOf(dev, account, {
    models: { nano: false },
    upstreams: [{ name: 'up', url: upstream.url }],
    ...sellingOn(port, { provider }),
  })
  return startNodeProcess({ home: home.path, config })
}

const addressOf = ({ account }: Seller) => dev.accounts[account]!.address
const paidTo = (seller: Seller) => channelOf(home.path, 'user', addressOf(seller)) ?? { charged: 0n, authorized: 0n }
const earnedBy = (seller: Seller) => channelOf(seller.home.path, 'provider') ?? { charged: 0n, authorized: 0n }

async function bothKnown(): Promise<void> {
  type Known = { error: unknown; models: unknown[] }
  const known = () =>
    (user.status().providers as Known[]).filter(({ error, models }) => error === null && models.length)
  await until(() => known().length === 2, 'both providers are known')
}

/** Waits until the cheaper one is asked first again. */
async function untilPreferred(seller: Seller): Promise<void> {
  const { opened } = seller.truth.script
  for (let tries = 0; seller.truth.script.opened === opened; tries++) {
    expect(tries).toBeLessThan(200)
    await ai.chat.completions.create({ model: 'probe', messages })
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

const listening: typeof fetch = async (...given) => {
  const response = await fetch(...given)
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return response
  const [kept, passed] = response.body!.tee()
  raw = ''
  void (async () => {
    for await (const piece of kept) raw += Buffer.from(piece as Uint8Array).toString()
  })().catch(() => undefined)
  return new Response(passed, response)
}

test('a provider that dies before its first word is paid for nothing, and the other answers', async () => {
  const before = { a: paidTo(a), b: paidTo(b) }
  const answer = ai.chat.completions.create({ model: 'early', messages }).withResponse()
  await until(() => a.truth.script.open === 1, 'the cheaper one is at work')
  await a.process.kill()
  const { data, request_id } = await answer
  expect(data.choices[0]!.message.content).toBe('w0 w1 w2 w3 w4 ')
  const told = () => user.log.recent().flatMap(event => ('id' in event && event.id === request_id ? [event] : []))
  const end = () => told().flatMap(event => (event.type === 'call.ended' ? [event] : []))[0]
  await until(() => end() !== undefined, 'the call is booked')
  expect(told().find(({ type }) => type === 'call.attempted')).toMatchObject({ backend: addressOf(a) })
  expect(end()).toMatchObject({ servedBy: addressOf(b), cost: paidTo(b).charged - before.b.charged })

  expect(paidTo(a).charged).toBe(before.a.charged)
  expect(paidTo(a).authorized).toBeLessThanOrEqual(before.a.charged + promptPrice + window)
  expect(earnedBy(a).charged).toBe(before.a.charged)
  await until(() => earnedBy(b).charged === paidTo(b).charged, 'the other has booked the same')
})

test('when it is back, it goes on where both books stand', async () => {
  const before = paidTo(a).charged
  a.process = await startSeller(a)
  await untilPreferred(a)
  await until(() => paidTo(a).charged > before && earnedBy(a).charged === paidTo(a).charged, 'both have booked it')
  const { charged, authorized } = paidTo(a)
  await until(() => earnedBy(a).authorized === paidTo(a).authorized, 'the newest voucher has arrived')
  expect(authorized).toBeGreaterThanOrEqual(charged)
})

test('a provider that dies in the middle of a stream gets what arrived and a window at most; the app is told', async () => {
  const before = { paid: paidTo(a), earned: earnedBy(a), opened: b.truth.script.opened }
  let words = 0
  const read = async () => {
    for await (const chunk of await ai.chat.completions.create({ model: 'late', messages, stream: true })) {
      if (chunk.choices[0]?.delta.content && ++words === 3 * windowTokens) void a.process.kill()
    }
  }
  await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError)
  expect(words).toBeGreaterThanOrEqual(3 * windowTokens)
  await until(() => raw.includes('"error"'), 'the stream holds an error event')
  expect(raw).not.toContain('[DONE]')
  expect(raw).toMatch(/"code":"(stream_cut|peer_unreachable)"/)
  expect(b.truth.script.opened).toBe(before.opened)

  const arrived = promptPrice + BigInt(words) * outPrice
  const paid = paidTo(a)
  expect(paid.charged - before.paid.charged).toBeLessThanOrEqual(arrived)
  expect(paid.charged - before.paid.charged).toBeGreaterThan(0n)
  expect(paid.authorized - before.paid.charged).toBeLessThanOrEqual(arrived + window)
  const earned = earnedBy(a)
  expect(earned.authorized).toBeLessThanOrEqual(paid.authorized)
  expect(arrived - (earned.authorized - before.earned.charged)).toBeLessThanOrEqual(window)
})

test('an answer with a limit that goes on at the other one costs no more in all, also when the first is back', async () => {
  a.process = await startSeller(a)
  await untilPreferred(a)
  const atFirst = { a: paidTo(a).charged, b: paidTo(b).charged }
  const limit = 5_000n
  const wish: object = { continue_on_failure: true }
  const stream = await ai.chat.completions.create(
    { model: 'late', messages, stream: true, ...wish },
    { headers: { 'parley-max-price': String(limit) } },
  )
  let words = 0
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content && ++words === 40) void a.process.kill()
  expect(raw).toContain('[DONE]')
  expect(raw).not.toContain('"error"')
  await until(() => paidTo(b).charged > atFirst.b, 'the other one has handed in its bill')
  expect(paidTo(a).charged).toBeGreaterThan(atFirst.a)
  const spent = () => paidTo(a).charged - atFirst.a + paidTo(b).charged - atFirst.b
  expect(spent()).toBeLessThanOrEqual(limit)

  a.process = await startSeller(a)
  const atA = earnedBy(a).charged
  const probes = user.log.recent().length
  await untilPreferred(a)
  await until(() => paidTo(a).charged >= atA, 'what it still had to ask for is booked')
  const later = user.log.recent().slice(probes)
  const asked = later.flatMap(event => (event.type === 'call.ended' ? [event.cost ?? 0n] : []))
  expect(spent() - asked.reduce((sum, cost) => sum + cost, 0n)).toBeLessThanOrEqual(limit)
})
