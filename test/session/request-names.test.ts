import { afterEach, expect, test } from 'vitest'
import type { Backend, Call, CashDesk, Context, SignedReceipt } from '../../src/core/index.ts'
import { ParleyError } from '../../src/core/index.ts'
import {
  contextOf,
  createStage,
  drain,
  notary,
  providerKey,
  providerSigner,
  question,
  receiptOf,
  type Stage,
  type StageOptions,
  userKey,
} from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

function play(options: StageOptions = {}): Stage {
  stage = createStage(options)
  return stage
}

const soon = () => AbortSignal.timeout(5_000)
const tick = () => new Promise<void>(resolve => setImmediate(resolve))
const other: Call = { ...question, body: { ...question.body, seed: 7 } } as Call

test('an app may use one request id for all its calls: each has a name of its own between the nodes', async () => {
  const asked: (string | undefined)[] = []
  const { user, purse, events } = play({
    speech: () => ({ tokens: 200, before: tick }),
    tamper: stack => ({
      ...stack,
      run: (call, context) => {
        asked.push(context.headers['parley-request'])
        return stack.run(call, context)
      },
    }),
  })
  const context = contextOf()
  await drain(user.run(question, context))
  await leave(user, question, context)
  await purse.flush(soon())
  await Promise.all([drain(user.run(question, context)), drain(user.run(other, context))])
  await purse.flush(soon())
  expect(new Set(asked).size).toBe(4)
  expect(asked).not.toContain(context.id)
  expect(stage.mismatches).toEqual([])
  const taken = events().flatMap(event => (event.type === 'receipt.taken' ? [event] : []))
  expect(new Set(taken.map(({ call }) => call))).toEqual(new Set([context.id]))
  expect(new Set(taken.map(({ requestId }) => requestId))).toEqual(new Set(asked))
})

test('a call that is cut before it is charged does not stop payment when its id was used before', async () => {
  let isCut = false
  const { user, purse, restartUser, restartProvider } = play({
    speech: () => ({
      tokens: 5,
      before: () => (isCut ? Promise.reject(new ParleyError('stream_cut', 'cut')) : tick()),
    }),
  })
  const context = contextOf()
  await drain(user.run(question, context))
  for (const restart of [() => undefined, restartUser, restartProvider]) {
    await purse.flush(soon())
    restart()
    isCut = true
    await expect(drain(stage.user.run(other, context))).rejects.toMatchObject({ code: 'stream_cut' })
    isCut = false
    await stage.purse.flush(soon())
    await drain(stage.user.run(question, context))
  }
  // What a node had under way when it died met a closed book.
  expect(stage.mismatches.filter(({ code }) => code !== 'internal')).toEqual([])
})

/** The receipts route answers with what it likes. */
function handingOut(receipts: (asked: readonly string[]) => SignedReceipt[]) {
  return (desk: CashDesk): CashDesk => ({ ...desk, receipts: async (_session, asked) => receipts(asked) })
}

test('a fetched receipt of another session, prompt or seed is ignored, and payment goes on', async () => {
  let first: SignedReceipt | undefined
  for (const lie of [{ session: hash('1') }, { promptCommit: hash('2') }, { seed: 3n }]) {
    const { user, purse, restartProvider } = play({
      speech: () => ({ tokens: 200, before: tick }),
      tamperDesk: handingOut(([requestId]) => [signed(first!, { requestId: requestId!, seq: 1_000n, ...lie })]),
    })
    first = (await drain(user.run(question, contextOf()))).outcome.receipt
    const context = contextOf()
    await leave(user, question, context)
    await purse.flush(soon())
    restartProvider()
    await drain(user.run(question, contextOf()))
    expect(stage.mismatches).toEqual([])
    expect(stage.userLedger.receipts(userKey, [context.id])).toEqual([])
    stage.close()
  }
  play()
})

test('a receipt that turns up with a new session is held against its call: one that asks too much stops payment', async () => {
  for (const lie of [{ cumulative: 5_000_000n }, { charge: 5_000_000n }, { tokensOut: 9_000n }]) {
    let isCut = false
    let isLying = false
    const { user, restartProvider, providerLedger } = play({
      speech: () => ({ tokens: 200, before: tick }),
      isCut: () => isCut,
      tamperDesk: desk => ({
        ...desk,
        open: async (...args) => {
          const grant = await desk.open(...args)
          return isLying && 'cumulative' in lie ? { ...grant, charged: lie.cumulative } : grant
        },
        receipts: async (...args) => {
          const found = await desk.receipts(...args)
          return isLying ? found.map(receipt => signed(receipt, lie)) : found
        },
      }),
    })
    const context = contextOf()
    const reply = user.run(question, context)
    for (let i = 0; i < 20; i++) await reply.next()
    isCut = true
    await expect(drain(reply)).rejects.toMatchObject({ code: 'stream_cut' })
    await tick()
    expect(providerLedger.channel(providerKey)!.receipt).toBeDefined()
    const { authorized } = stage.userLedger.channel(userKey)!
    restartProvider()
    isCut = false
    isLying = true
    const code = expect.stringMatching(/^(ledger_conflict|payment_mismatch)$/)
    await expect(drain(user.run(question, contextOf()))).rejects.toMatchObject({ code })
    expect(stage.mismatches).toHaveLength(1)
    expect(stage.userLedger.channel(userKey)!.authorized).toBe(authorized)
    expect(receiptOf(stage, context)).toBeUndefined()
    stage.close()
  }
  play()
})

test('what a provider writes where words may stand is short and in one line when it is repeated', async () => {
  const shout = `\u001b[2J${'pay me '.repeat(200)}`
  const { user } = play({
    tamperDesk: desk => ({ ...desk, open: () => Promise.reject(new ParleyError('insufficient_funds', shout)) }),
  })
  const error = await drain(user.run(question, contextOf())).catch((cause: unknown) => cause as ParleyError)
  expect(error).toMatchObject({ code: 'insufficient_funds' })
  expect((error as ParleyError).message).toMatch(/^[^\p{Cc}]{1,200}$/u)
})

test('so is the refusal of a call for want of money', async () => {
  const shout = `\u001b[2J${'pay me '.repeat(200)}`
  const { user } = play({
    tamper: (stack: Backend) => ({
      ...stack,
      // biome-ignore lint/correctness/useYield: it refuses before it says anything.
      run: async function* () {
        throw new ParleyError('need_voucher', shout)
      },
    }),
  })
  const error = await drain(user.run(question, contextOf())).catch((cause: unknown) => cause as ParleyError)
  expect(error).toMatchObject({ code: 'need_voucher' })
  expect((error as ParleyError).message).toMatch(/^[^\p{Cc}]{1,200}$/u)
})

async function leave(user: Backend, call: Call, context: Context): Promise<void> {
  const leaving = new AbortController()
  const reply = user.run(call, { ...context, signal: leaving.signal })
  for (let i = 0; i < 3; i++) await reply.next()
  leaving.abort()
  await expect(drain(reply)).rejects.toMatchObject({ code: 'cancelled' })
}

function hash(digit: string) {
  return `0x${digit.repeat(64)}` as const
}

function signed({ message: base }: SignedReceipt, fields: Partial<SignedReceipt['message']>): SignedReceipt {
  const message = { ...base, ...fields }
  return { message, signature: providerSigner.sign(notary.hashReceipt(message)) }
}
