import { afterEach, expect, test } from 'vitest'
import type { Call } from '../../src/core/index.ts'
import { charging } from '../../src/session/index.ts'
import { signedHello, signedVoucher } from './messages.ts'
import { contextOf, createStage, drain, question, type Stage, type StageOptions, userPeerId } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

/** A market that notes what the provider's model was asked. */
function play(options: StageOptions = {}) {
  stage = createStage(options)
  const { backend } = stage
  const { run } = backend
  const asked: Call[] = []
  backend.run = (call, context) => {
    asked.push(call)
    return run(call, context)
  }
  return { ...stage, user: stage.user, asked }
}

const seedOf = (call: Call | undefined) => (call?.body as { seed?: number } | undefined)?.seed

test('the seed in a receipt is the one the model was asked to use', async () => {
  const { user, asked } = play()
  const completion: Call = { task: 'completion', body: { model: 'nano', prompt: 'once upon a time' } }
  for (const call of [question, completion]) {
    const { outcome } = await drain(user.run(call, contextOf()))
    const seed = seedOf(asked.at(-1))!
    expect(outcome.receipt?.message.seed).toBe(BigInt(seed))
    expect(seed).toBeGreaterThanOrEqual(0)
    expect(seed).toBeLessThan(2 ** 31)
    expect(call.body).not.toHaveProperty('seed')
  }
  expect(seedOf(asked[0])).not.toBe(seedOf(asked[1]))
})

test('an app that names a seed gets it, and the receipt says so', async () => {
  const { user, asked } = play()
  for (const seed of [0, 42, Number.MAX_SAFE_INTEGER, -5]) {
    const call = { ...question, body: { ...question.body, seed } } as Call
    const { outcome } = await drain(user.run(call, contextOf({ headers: { 'parley-seed': '9' } })))
    expect(seedOf(asked.at(-1))).toBe(seed)
    expect(outcome.receipt?.message.seed).toBe(BigInt.asUintN(64, BigInt(seed)))
  }
})

test('an embedding has nothing to sample and its body stays as it is', async () => {
  const { user, asked } = play()
  const call: Call = { task: 'embedding', body: { model: 'nano', input: 'hello there' } }
  await drain(user.run(call, contextOf()))
  expect(asked.at(-1)?.body).toEqual(call.body)
})

test('without a seed that JSON can carry the provider draws one, and says which', async () => {
  const { till, backend, asked } = play()
  const signal = AbortSignal.timeout(5_000)
  const { session } = await till.open(signedHello(), userPeerId, signal)
  await till.voucher(session, signedVoucher({ cumulative: 10_000n }), signal)
  const seen = new Set<number>()
  for (const header of [undefined, '', '-1', '1.5', 'x', String(2n ** 53n), String(2n ** 62n)]) {
    const headers = { 'parley-session': session, ...(header !== undefined && { 'parley-seed': header }) }
    const context = contextOf({ headers, principal: { kind: 'peer', id: userPeerId } })
    const { outcome } = await drain(charging(till)(backend).run(question, context))
    expect(outcome.receipt?.message.seed).toBe(BigInt(seedOf(asked.at(-1))!))
    seen.add(seedOf(asked.at(-1))!)
  }
  expect(seen.size).toBeGreaterThan(1)
  const headers = { 'parley-session': session, 'parley-seed': String(2n ** 53n - 1n) }
  const context = contextOf({ headers, principal: { kind: 'peer', id: userPeerId } })
  await drain(charging(till)(backend).run(question, context))
  expect(seedOf(asked.at(-1))).toBe(Number.MAX_SAFE_INTEGER)
})
