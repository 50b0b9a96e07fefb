import { describe, expect, test } from 'vitest'
import type { Backend, Call } from '../../src/core/index.ts'
import { type ErrorCode, ParleyError, systemRandom } from '../../src/core/index.ts'
import { createRanking } from '../../src/gateway/index.ts'
import { Chunk, usageOf } from '../../src/openai/index.ts'
import { chat, contextOf } from '../compliance.ts'
import { candidate, heldTime, routed, seeded } from './routed.ts'

/** Every word is another one, so that the right answer can be told from any that repeats or loses a word. */
const sentence = Array.from({ length: 24 }, (_, i) => `word${i} `).join('')
const codes: ErrorCode[] = ['backend_failed', 'rate_limited', 'overloaded', 'stream_cut', 'peer_unreachable', 'timeout']

/**
 * A server on a bad day: it refuses, falls silent after its role, cuts its answer anywhere, in the middle of words too, and
 * takes up what was said at its end, some words before it, or from the start.
 */
function moody(name: string, fraction: () => number): Backend {
  const upTo = (n: number) => Math.floor(fraction() * n)
  return {
    name,
    models: async () => [],
    run: async function* (call) {
      const said = saidSoFar(call)
      const mood = fraction()
      const fail = () => new ParleyError(codes[upTo(codes.length)]!, `${name} has a bad day`)
      if (mood < 0.3) throw fail()
      const chunk = (delta: object, finish_reason: string | null = null) =>
        Chunk.of({
          id: name,
          object: 'chat.completion.chunk',
          created: 1,
          model: 'm',
          choices: [{ index: 0, delta, finish_reason }],
        })
      yield chunk({ role: 'assistant', content: '' })
      if (mood < 0.4) throw fail()
      const back = [said.length, Math.max(0, said.lastIndexOf(' ', said.length - 17 - upTo(20))), 0][upTo(3)]!
      const end = mood < 0.75 ? said.length + upTo(sentence.length - said.length) : sentence.length
      for (let at = back; at < end; ) {
        const next = Math.min(end, at + 1 + upTo(9))
        yield chunk({ content: sentence.slice(at, next) })
        at = next
      }
      if (mood < 0.75) throw fail()
      yield chunk({}, 'stop')
      return { usage: usageOf(1, 24), servedBy: name, finishReason: 'stop' }
    },
  }
}

function saidSoFar({ body }: Call): string {
  const { messages } = body as unknown as { messages: { role: string; content: string }[] }
  const last = messages.at(-1)!
  return last.role === 'assistant' ? last.content : ''
}

async function read(backend: Backend, continues: boolean) {
  const call = { text: '', isWhole: false, error: undefined as ParleyError | undefined, roles: 0 }
  try {
    for await (const chunk of backend.run(chat('m'), contextOf({ wishes: { continues } }))) {
      const [choice] = (
        chunk.json() as { choices: { delta: { role?: string; content?: string }; finish_reason: unknown }[] }
      ).choices
      call.text += choice!.delta.content ?? ''
      if (choice!.delta.role !== undefined) call.roles++
      if (choice!.finish_reason === 'stop') call.isWhole = true
    }
  } catch (cause) {
    call.error = cause as ParleyError
  }
  return call
}

describe.each([true, false])('servers on a bad day, continued: %s', continues => {
  test('an answer is right to the letter, or says where it broke off', async () => {
    const random = { ...systemRandom, ...seeded(continues ? 11 : 12) }
    let whole = 0
    for (let run = 0; run < 1_500; run++) {
      const time = heldTime()
      const backends = ['a', 'b', 'c'].map(name => candidate(moody(name, random.fraction)))
      const { backend, log, ranking } = routed(backends, {
        ...{ policy: 'weighted', random, maxAttempts: 5, clock: time.clock, wait: time.wait },
        ranking: createRanking(time.clock, random),
      })
      const { text, isWhole, error, roles } = await read(backend, continues)
      expect(sentence.startsWith(text)).toBe(true)
      expect(isWhole).toBe(error === undefined)
      expect(text === sentence).toBe(text !== '' && error === undefined)
      expect(roles).toBe(text === '' ? 0 : 1)
      expect(log.recent().filter(({ type }) => type === 'call.attempted').length).toBeLessThanOrEqual(5)
      expect(ranking.snapshot().every(({ running }) => running === 0)).toBe(true)
      if (isWhole) whole++
    }
    // Most of what breaks is saved by asking on, and a good part is lost without.
    if (continues) expect(whole / 1_500).toBeGreaterThan(0.7)
    else expect(whole / 1_500).toBeLessThan(0.6)
  })
})
