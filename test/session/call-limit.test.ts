import { afterEach, describe, expect, test } from 'vitest'
import { type Backend, type Context, maxChargeHeader, needVoucherEvent, sessionHeader } from '../../src/core/index.ts'
import { Chunk } from '../../src/openai/index.ts'
import { encodeVoucherHeader, needVoucherCodec } from '../../src/session/index.ts'
import { candidate, routed } from '../gateway/routed.ts'
import { signedHello, signedVoucher } from './messages.ts'
import {
  contextOf,
  createStage,
  drain,
  offer,
  providerKey,
  question,
  questionPrice,
  type Speech,
  type Stage,
  type StageOptions,
  userKey,
  userPeerId,
} from './stage.ts'

const stages: Stage[] = []
afterEach(() => {
  for (const stage of stages.splice(0)) stage.close()
})

function play(speech: () => Speech, more: StageOptions = {}): Stage {
  const stage = createStage({ speech, ...more })
  stages.push(stage)
  return stage
}

const soon = () => AbortSignal.timeout(5_000)
const tick = () => new Promise<void>(resolve => setImmediate(resolve))

/** What both books say was charged, once every receipt is in. */
async function charged(stage: Stage): Promise<bigint> {
  await stage.purse.flush(soon())
  const [user, provider] = [stage.userLedger.channel(userKey), stage.providerLedger.channel(providerKey)]
  expect(user?.charged).toBe(provider?.charged)
  expect(stage.mismatches).toEqual([])
  return user?.charged ?? 0n
}

/** How far an answer got under its limit. */
async function ask({ user }: { user: Backend }, context: Context) {
  const reply = user.run(question, context)
  let words = 0
  try {
    for (;;) {
      const step = await reply.next()
      if (step.done === true) return { words, cost: step.value.cost }
      if (Buffer.from(step.value.bytes).includes('"word"')) words++
    }
  } catch (failed) {
    return { words, failed }
  }
}

const within = (maxPrice: bigint) => contextOf({ maxPrice })
/** The question is taken for 15 tokens, at 2 each; a token of the answer costs 10. */
const fiveWords = questionPrice + 50n
const tooDear = { words: 0, failed: expect.objectContaining({ code: 'price_too_high' }) }

describe('a prompt that is dearer than it looked', () => {
  test('and is counted when all is said, costs the limit and no more', async () => {
    const stage = play(() => ({ tokens: 5, promptTokens: 80 }))
    expect(await ask(stage, within(fiveWords))).toEqual({ words: 5, cost: fiveWords })
    expect(await charged(stage)).toBe(fiveWords)
  })

  test.each(['no credit', 'credit for it'])(
    'and than the limit, is not answered, with %s: it costs what was set aside',
    async credit => {
      let promptTokens = 15
      const stage = play(() => ({ tokens: 5, promptTokens, knowsTokens: true }))
      let before = 0n
      if (credit === 'credit for it') {
        for (let calls = 0; calls < 3; calls++) await drain(stage.user.run(question, contextOf()))
        await stage.desk.voucher(await openSession(stage), signedVoucher({ cumulative: 5_000n }), soon())
        before = await charged(stage)
      }
      promptTokens = 80
      expect(await ask(stage, within(fiveWords))).toEqual(tooDear)
      expect((await charged(stage)) - before).toBe(questionPrice)
      promptTokens = 15
      expect(await ask(stage, within(fiveWords))).toEqual({ words: 5, cost: fiveWords })
      await charged(stage)
    },
  )

  test('leaves fewer words: the answer ends where the limit does, and costs no more', async () => {
    const stage = play(() => ({ tokens: 20, promptTokens: 25, knowsTokens: true, before: tick }))
    expect(await ask(stage, within(fiveWords))).toEqual({ ...tooDear, words: 3 })
    expect(await charged(stage)).toBe(fiveWords)
  })

  test('at one provider is answered by another, and both together cost no more', async () => {
    const dear = play(() => ({ tokens: 5, promptTokens: 80, knowsTokens: true }))
    const fair = play(() => ({ tokens: 5, promptTokens: 15, knowsTokens: true }))
    const ways = [dear, fair].map(({ user }, i) => candidate({ ...user, name: `seller ${i}` }))
    const { backend, ranking } = routed(ways, { policy: 'priority' })
    const maxPrice = questionPrice + fiveWords
    expect(await ask({ user: backend }, within(maxPrice))).toMatchObject({ words: 5 })
    expect([await charged(dear), await charged(fair)]).toEqual([questionPrice, fiveWords])
    expect(ranking.snapshot()[1]).toMatchObject({ name: 'seller 1', successes: 1 })
  })
})

async function openSession({ desk, purse, userLedger }: Stage) {
  await purse.flush(soon())
  expect(userLedger.channel(userKey)).toBeDefined()
  return (await desk.open(signedHello(), userPeerId, soon())).session
}

test('what cannot buy a single word is not asked for', async () => {
  const stage = play(() => ({ tokens: 5 }))
  for (const maxPrice of [questionPrice - 1n, questionPrice + 9n]) {
    expect(await ask(stage, within(maxPrice))).toEqual(tooDear)
  }
  expect(stage.backend.calls).toBe(0)
  expect(await ask(stage, within(questionPrice + 10n))).toMatchObject({ words: 1 })
})

describe('a provider that does not keep to the limit', () => {
  /** It never hears of it. */
  const deaf = (stack: Backend): Backend => ({
    ...stack,
    run: (call, { headers: { [maxChargeHeader]: _, ...headers }, ...context }) =>
      stack.run(call, { ...context, headers }),
  })

  test.each([
    ['in its last receipt', { tokens: 5, promptTokens: 80 }],
    ['in one on the way', { tokens: 200, promptTokens: 15 }],
    ['by its prompt', { tokens: 5, promptTokens: 80, knowsTokens: true }],
  ])('%s, is not paid beyond it', async (_how, speech) => {
    const stage = play(() => ({ ...speech, before: tick }), {
      tamper: deaf,
      till: { limits: { voucherTimeoutMs: 100 } },
    })
    const { failed } = await ask(stage, within(fiveWords))
    expect(failed).toMatchObject({ code: expect.stringMatching(/^(payment_mismatch|price_too_high|need_voucher)$/) })
    await stage.purse.flush(soon())
    const book = stage.userLedger.channel(userKey)!
    expect(book.charged).toBeLessThanOrEqual(fiveWords)
    expect(book.authorized).toBeLessThanOrEqual(fiveWords)
  })

  const asking =
    (cumulative: bigint) =>
    (stack: Backend): Backend => ({
      ...stack,
      run: async function* (call, context) {
        const reply = stack.run(call, context)
        for (let words = 0; ; words++) {
          const step = await reply.next()
          if (step.done === true) return step.value
          yield step.value
          if (words === 2) yield Chunk.message(needVoucherEvent, needVoucherCodec.encode({ cumulative }))
        }
      },
    })

  test('and asks for more gets a voucher up to the limit, and none above', async () => {
    const speech = () => ({ tokens: 5, promptTokens: 15, before: tick })
    const honest = play(speech, { tamper: asking(fiveWords) })
    expect(await ask(honest, within(fiveWords))).toMatchObject({ words: 5 })
    const greedy = play(speech, { tamper: asking(fiveWords + 1n) })
    expect(await ask(greedy, within(fiveWords))).toMatchObject({ failed: { code: 'payment_mismatch' } })
    expect(greedy.userLedger.channel(userKey)!.authorized).toBeLessThanOrEqual(fiveWords)
  })
})

describe('what a provider is told', () => {
  test('is the limit of this very call, whatever an app says', async () => {
    const heard: (string | undefined)[] = []
    const tamper = (stack: Backend): Backend => ({
      ...stack,
      run: (call, context) => {
        heard.push(context.headers[maxChargeHeader])
        return stack.run(call, context)
      },
    })
    const stage = play(() => ({ tokens: 1 }), { tamper })
    const headers = { [maxChargeHeader]: '7' }
    await drain(stage.user.run(question, contextOf({ headers })))
    await drain(stage.user.run(question, contextOf({ headers, maxPrice: 90n })))
    const limits = { perCall: 85n }
    const thrifty = play(() => ({ tokens: 1 }), { tamper, purse: { limits } })
    await drain(thrifty.user.run(question, contextOf({ maxPrice: 90n, owed: 4n })))
    expect([...new Set(heard)]).toEqual([undefined, '90', '81'])
  })

  test.each([
    ['1e3', 'payment_invalid'],
    ['-1', 'payment_invalid'],
    ['', 'payment_invalid'],
    ['9'.repeat(40), 'payment_invalid'],
    [String(questionPrice - 1n), 'price_too_high'],
  ])('as %j is refused before any work: %s', async (limit, code) => {
    const stage = play(() => ({ tokens: 1 }))
    const { session } = await stage.till.open(signedHello(), userPeerId, soon())
    const voucher = encodeVoucherHeader(signedVoucher({ cumulative: 1_000n }))
    const headers = { [sessionHeader]: session, 'parley-voucher': voucher, [maxChargeHeader]: limit }
    const context = contextOf({ headers, principal: { kind: 'peer', id: userPeerId } })
    await expect(stage.till.begin(question, context)).rejects.toMatchObject({ code })
    expect(stage.backend.calls).toBe(0)
  })
})

test('the best of several answers is sold by neither side: what it drops cannot be counted', async () => {
  const stage = play(() => ({ tokens: 1 }))
  const call = { task: 'completion', body: { model: 'nano', prompt: 'a', best_of: 2 } } as const
  const unsold = { code: 'unsupported', param: 'best_of' }
  await expect(drain(stage.user.run(call, contextOf()))).rejects.toMatchObject(unsold)
  const { session } = await stage.till.open(signedHello(), userPeerId, soon())
  const context = contextOf({ headers: { [sessionHeader]: session }, principal: { kind: 'peer', id: userPeerId } })
  await expect(stage.till.begin(call, context)).rejects.toMatchObject(unsold)
  expect(stage.backend.calls).toBe(0)
})

test('the prices of these tests are those of the stage', () => {
  expect([offer.priceIn, offer.priceOut]).toEqual([2_000_000n, 10_000_000n])
})
