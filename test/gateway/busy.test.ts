import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Backend } from '../../src/core/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { createRanking } from '../../src/gateway/index.ts'
import { Chunk, usageOf } from '../../src/openai/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'
import { calm, candidate, routed } from './routed.ts'

function taking(name: string, ms: number): Backend & { answers: number } {
  const backend = {
    name,
    answers: 0,
    models: async () => [],
    run: async function* () {
      backend.answers++
      await sleep(ms)
      yield Chunk.of({ choices: [{ index: 0, delta: { content: 'ok' }, finish_reason: 'stop' }] })
      return { usage: usageOf(1, 1), servedBy: name }
    },
  } satisfies Backend & { answers: number }
  return backend
}

test('least-busy: of two, one ten times as fast, that one answers more than four of five', async () => {
  const [slow, fast] = [taking('slow', 200), taking('fast', 20)]
  const { backend } = routed([candidate(slow), candidate(fast)], {
    policy: 'least-busy',
    clock: systemClock,
    ranking: createRanking(systemClock, calm),
  })
  let left = 600
  const worker = async () => {
    while (left-- > 0) await drain(backend.run(chat('any'), contextOf()))
  }
  await Promise.all(Array.from({ length: 32 }, worker))
  expect(fast.answers + slow.answers).toBe(600)
  expect(fast.answers / 600).toBeGreaterThan(0.8)
})
