import { afterEach, describe, expect, test } from 'vitest'
import type { Backend, CashDesk, Context, Reply, SignedReceipt } from '../../src/core/index.ts'
import { chargeFor, ParleyError } from '../../src/core/index.ts'
import type { Candidate } from '../../src/gateway/index.ts'
import { paying } from '../../src/session/index.ts'
import { candidate, routed } from '../gateway/routed.ts'
import {
  contextOf,
  createStage,
  drain,
  notary,
  offer,
  provider,
  providerSigner,
  question,
  questionPrice,
  type Speech,
  type Stage,
  type StageOptions,
} from './stage.ts'

const stages: Stage[] = []
afterEach(() => {
  for (const stage of stages.splice(0)) stage.close()
})

const soon = () => AbortSignal.timeout(5_000)
const tick = () => new Promise<void>(resolve => setImmediate(resolve))

/** A provider with its own price, purse and books, the line to it, and what the router allowed it. */
interface Seller {
  readonly stage: Stage
  readonly line: { isCut: boolean }
  readonly asked: Context[]
  readonly way: Candidate
}

function seller(name: string, speech: Partial<Speech> = {}, options: StageOptions = {}): Seller {
  const line = { isCut: false }
  const asked: Context[] = []
  const said = () => ({ tokens: 5, before: tick, ...speech })
  const stage = createStage({ speech: said, ...options, isCut: () => line.isCut })
  stages.push(stage)
  const run: Backend['run'] = (call, context) => {
    asked.push(context)
    return stage.user.run(call, context)
  }
  const { priceIn, priceOut } = offer
  return { stage, line, asked, way: candidate({ ...stage.user, name, run }, { priceIn, priceOut }) }
}

const buying = (...ways: Candidate[]) => routed(ways, { policy: 'priority' })
const limited = (maxPrice: bigint) => contextOf({ maxPrice, wishes: { continues: true } })

/** What the user's books say was charged once every receipt is in. */
async function charged(...sellers: Seller[]): Promise<bigint> {
  let sum = 0n
  for (const { stage, line } of sellers) {
    line.isCut = false
    await stage.purse.flush(soon())
    expect(stage.mismatches).toEqual([])
    sum += stage.userLedger.spentSince('user', 0)
  }
  return sum
}

/** Reads on, and cuts the line after so many chunks. */
async function readCutting(reply: Reply, { line }: Seller, after: number) {
  for (let chunks = 0; ; chunks++) {
    if (chunks === after) line.isCut = true
    const step = await reply.next()
    if (step.done === true) return step.value
  }
}

describe('a call with a limit of its price', () => {
  test('that breaks off costs no more than that, when another goes on', async () => {
    const [a, b] = [seller('a', { tokens: 200, promptTokens: 30 }), seller('b')]
    const maxPrice = 3_000n
    await readCutting(buying(a.way, b.way).backend.run(question, limited(maxPrice)), a, 40)
    const [first, second] = [await charged(a), await charged(b)]
    expect(first).toBeGreaterThan(20n * 10n)
    expect(second).toBeGreaterThan(0n)
    expect(b.asked[0]!.maxPrice).toBeLessThanOrEqual(maxPrice - first)
    expect(first + second).toBeLessThanOrEqual(maxPrice)
  })

  test('that leaves nothing for another is not gone on with, except by one that is free', async () => {
    const [a, b] = [seller('a', { tokens: 200 }), seller('b')]
    const { backend, log } = buying(a.way, b.way)
    await expect(readCutting(backend.run(question, limited(1_000n)), a, 40)).rejects.toMatchObject({
      code: 'stream_cut',
    })
    expect(b.asked).toEqual([])
    const refused = { type: 'call.attempted', backend: 'b', code: 'price_too_high' }
    expect(log.recent()).toContainEqual(expect.objectContaining(refused))
    a.line.isCut = false
    const free = { ...b.way, priceIn: 0n, priceOut: 0n, backend: b.stage.backend }
    const outcome = await readCutting(buying(a.way, free).backend.run(question, limited(1_000n)), a, 40)
    expect(outcome.servedBy).toBe('speaker')
  })

  test('counts what an attempt before its first word may still cost', async () => {
    const [a, b] = [seller('a', { before: () => Promise.reject(new ParleyError('timeout', 'too slow')) }), seller('b')]
    const ask = (maxPrice: bigint) => drain(buying(a.way, b.way).backend.run(question, limited(maxPrice)))
    await ask(5_000n)
    const left = b.asked[0]!.maxPrice!
    expect(left).toBeLessThanOrEqual(5_000n - questionPrice)
    await expect(ask(5_000n - left)).rejects.toMatchObject({ code: 'price_too_high', httpStatus: 402 })
    expect(b.asked).toHaveLength(1)
  })

  test('has the limit of its node for all attempts, too', async () => {
    const under = (perCall: bigint) => ({ purse: { limits: { perCall } } })
    const ask = (first: Seller, next: Seller) => {
      const context = contextOf({ wishes: { continues: true } })
      return readCutting(buying(first.way, next.way).backend.run(question, context), first, 40)
    }
    const [a, b] = [seller('a', { tokens: 200 }, under(2_000n)), seller('b', {}, under(2_000n))]
    await expect(ask(a, b)).rejects.toMatchObject({ code: 'stream_cut' })
    expect(b.asked[0]!.owed).toBeGreaterThanOrEqual(await charged(a))
    expect(await charged(b)).toBe(0n)
    const [c, d] = [seller('c', { tokens: 200 }, under(4_000n)), seller('d', {}, under(4_000n))]
    await ask(c, d)
    expect(await charged(d)).toBeGreaterThan(0n)
  })

  test('loses nothing of it by who refuses or cannot be reached', async () => {
    const [full, far, near] = [seller('full', {}, { till: { offers: oneAtATime } }), seller('far'), seller('near')]
    const busy = full.stage.user.run(question, contextOf())
    await busy.next()
    const { desk, purse } = far.stage
    const peer = paying(purse, { provider, signer: providerSigner.address, desk })
    const unreachable = { ...far.way, backend: peer({ ...far.way.backend, run: unsent }) }
    await drain(buying(full.way, unreachable, near.way).backend.run(question, limited(100n)))
    expect([full.asked.length, near.asked[0]!.maxPrice]).toEqual([1, 100n])
    await drain(busy)
  })
})

const oneAtATime = () => [{ ...offer, concurrency: 1 }]

/** Nothing gets out. */
async function* unsent(): Reply {
  yield await Promise.reject(new ParleyError('peer_unreachable', 'no line', { isUnsent: true }))
  throw new ParleyError('internal', 'not reached')
}

/** A till that writes receipts for as many tokens as it likes. */
function generous(desk: CashDesk, tokensOut: bigint): CashDesk {
  const forged = ({ message }: SignedReceipt): SignedReceipt => {
    const charge = chargeFor(offer, { in: Number(message.tokensIn), cached: 0, out: Number(tokensOut) })
    const grown = { ...message, tokensOut, charge, cumulative: message.cumulative + charge - message.charge }
    return { message: grown, signature: providerSigner.sign(notary.hashReceipt(grown)) }
  }
  return { ...desk, receipts: async (...given) => (await desk.receipts(...given)).map(forged) }
}

test('a window as large as the quote likes is not paid for when the line is cut', async () => {
  const huge = { ...offer, windowTokens: 1_000_000 }
  const speech = { tokens: 100 }
  const a = seller('a', speech, { till: { offers: () => [huge] }, tamperDesk: desk => generous(desk, 500_000n) })
  await expect(readCutting(a.stage.user.run(question, contextOf()), a, 10)).rejects.toMatchObject({
    code: 'stream_cut',
  })
  a.line.isCut = false
  await a.stage.purse.flush(soon())
  expect(a.stage.userLedger.spentSince('user', 0)).toBeLessThan(20_000n)
  expect(a.stage.mismatches).toMatchObject([{ code: 'payment_mismatch' }])
})
