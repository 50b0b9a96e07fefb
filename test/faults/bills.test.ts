import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Channel, LoggedEvent } from '../../src/core/index.ts'
import { type Answer, cut, type FaultyUpstream, framed, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { channelOf, type Market, openMarket, until } from '../node/market.ts'
import { inTurn, newId, promptOf } from './asking.ts'
import { type Line, openLine } from './line.ts'
import { priceIn, priceOut, prices } from './stage.ts'

const calls = 200
/** On cores that others use as well. */
const hardlyEverMs = 120_000
const concurrency = 16
/** What a provider that has been paid before delivers ahead of money, and the most words an answer has. */
const windowTokens = 256
const wordsMax = 90

/** How an answer ends, and after how many words. Of one that an app leaves there is more to come. */
type End = 'whole' | 'cut' | 'unended' | 'error' | 'left'

interface Plan {
  readonly end: End
  readonly words: number
}

const endsInTurn: readonly End[] = ['cut', 'error', 'whole', 'unended', 'left', 'cut', 'left']

/** Numbers that look random and are the same each time. */
function planOf(id: string): Plan {
  const index = Number(id.slice('fault-'.length))
  return { end: endsInTurn[index % endsInTurn.length]!, words: 1 + ((index * 37) % wordsMax) }
}

const wordsOf = (count: number) => Array.from({ length: count }, (_, i) => `w${i} `)

const asPlanned: Answer = asked => {
  const { end, words: count } = planOf(/fault-\d{6}/.exec(asked.hit.raw.toString())![0])
  const words = wordsOf(count)
  if (end === 'whole') return stream({ words, usage: 'missing' })(asked)
  if (end === 'left') return stream({ words: wordsOf(200), usage: 'missing', dripMs: 10 })(asked)
  if (end === 'unended') return stream({ words, finish: null, usage: 'missing', isDone: false })(asked)
  if (end === 'error') {
    const error = { message: 'no', code: 500 }
    return stream({ words, instead: ({ response }) => void response.end(framed({ error })) })(asked)
  }
  return cutAfter(words)(asked)
}

function cutAfter(words: readonly string[]): Answer {
  return stream({ words, instead: async asked => await cut('rst', 'headers')(asked) })
}

let upstream: FaultyUpstream
let market: Market
let line: Line
const events: LoggedEvent[] = []

beforeAll(async () => {
  upstream = await startFaultyUpstream(['stormy'])
  upstream.always(asPlanned)
  const limits = { concurrency: 64, claim: { everySeconds: 0 } }
  market = await openMarket({
    inFrontOfPeer: async port => (line = await openLine(port)).port,
    provider: {
      models: { nano: false },
      upstreams: [{ name: 'up', url: upstream.url }],
      provider: { ...limits, prices, windowTokens },
    },
    user: { routing: { attemptsMax: 1 }, http: { port: 0, perKeyConcurrency: 64 } },
  })
  market.user.node.log.subscribe(event => void events.push(event))
})
afterAll(async () => {
  await market?.stop()
  await line?.stop()
  await upstream?.stop()
})

interface Bill {
  readonly id: string
  readonly status: number
  /** Words that reached the app. */
  readonly words: number
  readonly raw: string
}

/** Reads to the end, or leaves after as many words as planned. */
async function read(id: string): Promise<Bill> {
  const { url, firstKey } = market.user.node
  const { end, words: planned } = planOf(id)
  const enough = Math.ceil(planned / 3)
  const leaving = new AbortController()
  let [status, raw] = [0, '']
  const words = () => raw.split('"content":"w').length - 1
  try {
    const response = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${firstKey}`, 'x-request-id': id },
      body: JSON.stringify({ model: 'stormy', stream: true, messages: [{ role: 'user', content: promptOf(id) }] }),
      signal: leaving.signal,
    })
    status = response.status
    for await (const piece of response.body!) {
      raw += Buffer.from(piece).toString()
      if (end === 'left' && words() >= enough) leaving.abort()
    }
  } catch (cause) {
    if (!leaving.signal.aborted) throw cause
  }
  return { id, status, words: words(), raw }
}

const paid = () => channelOf(market.user.home, 'user')!
const earned = () => channelOf(market.provider.home, 'provider')!

function chargesOf(id: string): bigint {
  const charges = new Map<string, bigint>()
  for (const event of events) {
    if (event.type === 'receipt.taken' && event.call === id) charges.set(event.requestId, event.charge)
  }
  return [...charges.values()].reduce((sum, charge) => sum + charge, 0n)
}

const promptPrice = (id: string) => BigInt(Math.ceil(Buffer.byteLength(promptOf(id)) / 4) + 8) * priceIn

/** All is well, or the app is told. */
function isTold({ raw, status }: Bill, { end }: Plan): boolean {
  const isWhole = raw.endsWith('data: [DONE]\n\n')
  const hasError = status >= 400 || raw.includes('data: {"error"')
  return end === 'left' || (isWhole !== hasError && (isWhole === (end === 'whole') || status >= 400))
}

async function booksLevel(): Promise<void> {
  await until(() => market.user.node.status().running + market.provider.node.status().running === 0, 'all is over')
  const isLevel = (own: Channel, far: Channel) => own.charged === far.charged && own.authorized === far.authorized
  // The voucher that pays for the last receipt follows it.
  await until(() => isLevel(paid(), earned()) && paid().authorized >= paid().charged, 'level books, all of it paid')
  expect(market.user.node.status().providers[0]).toMatchObject({ error: null })
}

/** What a bill says beyond the prompt; nothing for a call that was never charged. */
function outputOf({ id }: Bill): bigint {
  const charge = chargesOf(id)
  return charge === 0n ? 0n : charge - promptPrice(id)
}

const windowPrice = BigInt(windowTokens) * priceOut
const arrivedAt = ({ words }: Bill) => BigInt(words) * priceOut

/** Charged for what arrived, or for a window more where the app left. */
function isFair(bill: Bill): boolean {
  const over = outputOf(bill) - arrivedAt(bill)
  return over === 0n || (over > 0n && over <= windowPrice && planOf(bill.id).end === 'left')
}

test(
  `${calls} paid streams that break off at random: level books, and each bill is what arrived`,
  async () => {
    const bills = await inTurn(Array.from({ length: calls }, newId), concurrency, read)
    // The receipt of an answer that was left comes behind its end: books may be level for a moment without it.
    await until(() => bills.every(isFair), 'each receipt is there').catch(() => undefined)
    await booksLevel()
    expect(bills.filter(({ status }) => status === 200).length).toBe(calls)
    for (const bill of bills) {
      const { end, words } = planOf(bill.id)
      expect([bill, isTold(bill, { end, words })]).toEqual([bill, true])
      if (end === 'left') {
        // What was on its way when the app left was delivered: one window at most.
        expect(outputOf(bill)).toBeGreaterThanOrEqual(arrivedAt(bill))
        expect(outputOf(bill) - arrivedAt(bill)).toBeLessThanOrEqual(windowPrice)
      } else {
        expect([bill.id, end, bill.words]).toEqual([bill.id, end, words])
        expect([bill.id, outputOf(bill)]).toEqual([bill.id, arrivedAt(bill)])
      }
    }
    expect(bills.reduce((sum, { id }) => sum + chargesOf(id), 0n)).toBe(paid().charged)
  },
  hardlyEverMs,
)

test(
  'the line between the nodes torn in the midst of it: level books, and no bill beyond a window',
  async () => {
    const before = paid().charged
    const tears = new Set([20, 40, 60])
    let begun = 0
    const bills = await inTurn(Array.from({ length: 80 }, newId), concurrency, async id => {
      if (tears.has(++begun)) line.tear()
      return await read(id)
    })
    expect(bills.filter(({ raw }) => /stream_cut|peer_unreachable/.test(raw)).length).toBeGreaterThan(3)
    for (const bill of bills) {
      const isWhole = bill.raw.endsWith('data: [DONE]\n\n')
      if (planOf(bill.id).end !== 'left')
        expect([bill.raw.slice(-200), isWhole || isTold(bill, { end: 'cut', words: 0 })]).toEqual([
          bill.raw.slice(-200),
          true,
        ])
    }
    await booksLevel()
    for (const bill of bills) {
      expect([bill.id, outputOf(bill) - arrivedAt(bill) <= windowPrice]).toEqual([bill.id, true])
    }
    expect(bills.reduce((sum, { id }) => sum + chargesOf(id), before)).toBe(paid().charged)
  },
  hardlyEverMs,
)
