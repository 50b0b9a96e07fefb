import { expect, test } from 'vitest'
import type { Backend, Call, Claim, LimitState, Limits, Taking } from '../../src/core/index.ts'
import { createEventLog, limitHeaders, ParleyError, systemClock } from '../../src/core/index.ts'
import { createAdmission, createErrands, limited, limitedErrands } from '../../src/gateway/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'
import { createScripted } from '../scripted.ts'

const pricing = {
  atMost: (_call: unknown, { in: tokensIn, out }: { in: number; out: number }) => BigInt(tokensIn + 10 * out),
  of: (_call: unknown, { usage }: { usage: { prompt_tokens: number; completion_tokens: number } }) =>
    BigInt(usage.prompt_tokens + 10 * usage.completion_tokens),
}

function ledger(isOpen = () => true) {
  const claims: Claim[] = []
  const takings: Taking[] = []
  const finished: number[] = []
  const left: LimitState = { requests: { limit: 2, remaining: 1, resetMs: 61_500 } }
  const limits: Limits = {
    allows: async () => true,
    admit: async claim => {
      claims.push(claim)
      if (!isOpen()) return { ok: false, left, error: new ParleyError('rate_limited', 'too many') }
      const settle = (taking: Taking) => void takings.push(taking)
      return { ok: true, left, isCounted: true, finish: () => void finished.push(takings.length), settle }
    },
  }
  return { limits, claims, takings, finished }
}

test('a call is booked with what it took', async () => {
  const { limits, claims, takings } = ledger()
  const backend = limited({ limits, pricing })(createScripted())
  await drain(backend.run(chat('say-4', { max_tokens: 9, n: 2 }), contextOf()))
  expect(claims).toMatchObject([{ models: ['say-4'], tokens: 1 + 18, cost: 181n }])
  expect(takings).toEqual([{ tokens: 7, cost: 43n }])
})

test('a call that broke off or was left is booked with what had arrived', async () => {
  const { limits, takings } = ledger()
  const backend = limited({ limits, pricing })(createScripted())
  await expect(drain(backend.run(chat('cut-3'), contextOf()))).rejects.toMatchObject({ code: 'stream_cut' })
  const reply = backend.run(chat('slow-1000'), contextOf())
  await reply.next()
  await reply.next()
  await reply.return(undefined as never)
  expect(takings).toHaveLength(2)
  for (const { tokens, cost } of takings) {
    expect(tokens).toBeGreaterThanOrEqual(4)
    expect(cost).toBeGreaterThan(0n)
  }
})

test('a call that fails before its first word costs nothing', async () => {
  const { limits, takings } = ledger()
  const backend = limited({ limits, pricing })(createScripted())
  await expect(drain(backend.run(chat('nothing-3'), contextOf()))).rejects.toMatchObject({ code: 'model_not_found' })
  expect(takings).toEqual([{ tokens: 0, cost: 0n }])
})

test('a refused call reaches nobody, and its caller learns what is left', async () => {
  const truth = createScripted()
  const seen: LimitState[] = []
  const backend = limited({ limits: ledger(() => false).limits, pricing })(truth)
  const context = contextOf({ onLimits: left => seen.push(left) })
  await expect(drain(backend.run(chat('say-1'), context))).rejects.toMatchObject({ code: 'rate_limited' })
  expect(truth.script.opened).toBe(0)
  expect(limitHeaders(seen[0]!)).toEqual({
    'x-ratelimit-limit-requests': '2',
    'x-ratelimit-remaining-requests': '1',
    'x-ratelimit-reset-requests': '1m2s',
  })
})

test('each of several answers is set aside, and the dearest model that may give them', async () => {
  const { limits, claims } = ledger()
  const dear = {
    ...pricing,
    atMost: ({ body }: { body: { model?: string } }, { out }: { out: number }) =>
      BigInt(out) * (body.model === 'say-3' ? 100n : 1n),
  }
  const backend = limited({ limits, pricing: dear })(createScripted())
  const body = { model: 'say-1', prompt: ['a', 'b', 'c'], max_tokens: 10 }
  await drain(backend.run({ task: 'completion', body: { ...body, n: 2 } }, contextOf()))
  await drain(backend.run({ task: 'completion', body: { ...body, prompt: [1, 2, 3], best_of: 4 } }, contextOf()))
  await drain(backend.run({ task: 'completion', body }, contextOf({ wishes: { models: ['say-3'] } })))
  expect(claims.map(({ cost }) => cost)).toEqual([60n, 40n, 3_000n])
})

test('a call is counted as what becomes of it', async () => {
  const { limits, claims } = ledger()
  const asked = (call: Call) => ({ ...call, body: { ...call.body, model: 'say-2', max_tokens: 3 } }) as Call
  const models: unknown[] = []
  const seen = {
    ...pricing,
    atMost: ({ body }: Call, { out }: { out: number }) => {
      models.push(body.model)
      return BigInt(out)
    },
  }
  await drain(limited({ limits, pricing: seen, asked })(createScripted()).run(chat('say-1'), contextOf()))
  expect(claims).toMatchObject([{ models: ['say-1'], cost: 3n }])
  expect(models).toEqual(['say-2'])
})

test('fallback models count as asked for', async () => {
  const { limits, claims } = ledger()
  const backend = limited({ limits, pricing })(createScripted())
  await drain(backend.run(chat('say-1'), contextOf({ wishes: { models: ['say-2', 'say-3'] } })))
  expect(claims[0]?.models).toEqual(['say-1', 'say-2', 'say-3'])
})

test('whoever has its whole answer does not count as running', async () => {
  const { limits, finished } = ledger()
  const truth = createScripted()
  const marked: Backend = {
    ...truth,
    run: async function* (call, context) {
      const { chunks, outcome } = await drain(truth.run(call, context))
      for (const [index, chunk] of chunks.entries()) {
        if (index === chunks.length - 1) chunk.meta.isLast = true
        yield chunk
      }
      return outcome
    },
  }
  const reply = limited({ limits, pricing })(marked).run(chat('say-1'), contextOf())
  for (let step = await reply.next(); !step.done && step.value.meta.isLast !== true; ) step = await reply.next()
  expect(finished).toEqual([0])
  await drain(reply)
})

test('errands are refused like calls, and told', async () => {
  let isOpen = true
  const { limits, takings } = ledger(() => isOpen)
  const log = createEventLog(systemClock.now)
  const admission = createAdmission({ maxRunning: 5, maxRunningPerPrincipal: 5 })
  const errands = limitedErrands(createErrands({ log, clock: systemClock, admission }), limits)
  const errand = {
    id: 'e',
    task: 'file' as const,
    principal: { kind: 'key' as const, id: 'k' },
    signal: AbortSignal.timeout(1_000),
  }
  await errands(errand, async () => 'shop')
  isOpen = false
  let hasRun = false
  const refusedWork = errands(errand, async () => {
    hasRun = true
    return 'shop'
  })
  await expect(refusedWork).rejects.toMatchObject({ code: 'rate_limited' })
  expect(hasRun).toBe(false)
  expect(takings).toHaveLength(1)
  expect(log.recent().at(-1)).toMatchObject({ type: 'call.failed', code: 'rate_limited' })
  expect(admission.running).toBe(0)
})
