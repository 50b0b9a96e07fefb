import { describe, expect, test } from 'vitest'
import type { Backend, ErrorCode } from '../../src/core/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { createRanking } from '../../src/gateway/index.ts'
import { chat, contextOf, drain, textOf } from '../compliance.ts'
import { createScripted } from '../scripted.ts'
import { calm, candidate, failing, routed } from './routed.ts'

describe('failover', () => {
  test('goes to the next before the first word, and says who failed', async () => {
    const [first, second] = [failing('a', 'peer_unreachable'), createScripted('b')]
    const { backend, log } = routed([candidate(first), candidate(second)])
    const { outcome, chunks } = await drain(backend.run(chat('say-2'), contextOf()))
    expect(textOf(chunks)).toBe('w0 w1 ')
    expect(outcome.servedBy).toBe('b')
    expect(log.recent()).toMatchObject([{ type: 'call.attempted', backend: 'a', code: 'peer_unreachable' }])
  })

  test('an opening role is no word yet', async () => {
    const { backend } = routed([
      candidate(failing('a', 'overloaded', { afterRole: true })),
      candidate(createScripted('b')),
    ])
    const { chunks } = await drain(backend.run(chat('say-2'), contextOf()))
    expect(textOf(chunks)).toBe('w0 w1 ')
    expect(chunks.filter(chunk => JSON.stringify(chunk.json()).includes('"role"'))).toHaveLength(1)
  })

  test('never happens after the first word', async () => {
    const [first, second] = [createScripted('a'), createScripted('b')]
    const { backend } = routed([candidate(first), candidate(second)])
    await expect(drain(backend.run(chat('break-3'), contextOf()))).rejects.toMatchObject({ code: 'overloaded' })
    expect(first.script.opened + second.script.opened).toBe(1)
  })

  test('never happens for a request that is wrong everywhere', async () => {
    const second = createScripted('b')
    const { backend } = routed([candidate(failing('a', 'invalid_request')), candidate(second)])
    await expect(drain(backend.run(chat('say-1'), contextOf()))).rejects.toMatchObject({ code: 'invalid_request' })
    expect(second.script.opened).toBe(0)
  })

  test('never happens after the caller left', async () => {
    const gone = new AbortController()
    const [first, second] = [createScripted('a'), createScripted('b')]
    const { backend } = routed([candidate(first), candidate(second)])
    const answer = drain(backend.run(chat('mute-1'), contextOf({ signal: gone.signal })))
    setTimeout(() => gone.abort(), 20)
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    expect(first.script.opened + second.script.opened).toBe(1)
  })

  test('is bounded', async () => {
    const dead = Array.from({ length: 9 }, (_, i) => failing(`d${i}`, 'overloaded'))
    const { backend } = routed(
      dead.map(backend => candidate(backend)),
      { maxAttempts: 3 },
    )
    await expect(drain(backend.run(chat('say-1'), contextOf()))).rejects.toMatchObject({ code: 'overloaded' })
    expect(dead.filter(({ script }) => script.opened > 0)).toHaveLength(3)
  })

  test('a backend that says nothing in time makes room for the next', async () => {
    const mute = createScripted('a')
    const silent: Backend = { ...mute, run: (_call, context) => mute.run(chat('mute-1'), context) }
    const timeouts = { firstChunkMs: 100, idleMs: 5_000, totalMs: 10_000 }
    const late: Backend = {
      ...silent,
      // The opening role comes at once, the first word never.
      run: async function* (call, context) {
        const reply = silent.run(call, context)
        yield* withoutFirst(reply)
        return { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, servedBy: 'a' }
      },
    }
    const { backend } = routed([candidate(late), candidate(createScripted('b'))], { timeouts })
    expect((await drain(backend.run(chat('say-1'), contextOf()))).outcome.servedBy).toBe('b')
    expect(mute.script.open).toBe(0)
  })
})

describe('what a peer says of a request', () => {
  const blaming = (name: string, code: ErrorCode = 'invalid_request') => failing(name, code, { saidBy: name })
  const finals = ['invalid_request', 'too_large', 'need_voucher'] as const

  test.each(finals)('%s, is not believed before a second one says the same', async code => {
    const { backend } = routed([candidate(blaming('a', code)), candidate(createScripted('b'))])
    expect((await drain(backend.run(chat('say-1'), contextOf()))).outcome.servedBy).toBe('b')
    const third = createScripted('c')
    const believed = routed([candidate(blaming('a', code)), candidate(blaming('b', code)), candidate(third)])
    await expect(drain(believed.backend.run(chat('say-1'), contextOf()))).rejects.toMatchObject({ code })
    expect(third.script.opened).toBe(0)
  })

  test('is told when nobody contradicts it', async () => {
    const { backend } = routed([candidate(blaming('a')), candidate(failing('b', 'overloaded'))])
    await expect(drain(backend.run(chat('say-1'), contextOf()))).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('counts against it when another answers', async () => {
    const ranking = createRanking(systemClock, calm)
    const [first, second] = [blaming('a'), createScripted('b')]
    const { backend } = routed([candidate(first), candidate(second)], { ranking })
    for (let i = 0; i < 2; i++) await drain(backend.run(chat('say-1'), contextOf()))
    expect([first.script.opened, second.script.opened]).toEqual([1, 2])
  })
})

describe('who is put last after a failure', () => {
  const isPutLast = async (code: ErrorCode, saidBy?: string) => {
    const failed: string[] = []
    const ranking = { ...createRanking(systemClock, calm), failed: (name: string) => void failed.push(name) }
    const { backend } = routed([candidate(failing('a', code, saidBy === undefined ? {} : { saidBy }))], { ranking })
    await expect(drain(backend.run(chat('say-1'), contextOf()))).rejects.toMatchObject({ code })
    return failed.length > 0
  }
  const own = ['wallet_locked', 'chain_unavailable', 'chain_mismatch', 'disk_full', 'internal'] as const
  const ownMoney = ['payment_required', 'insufficient_funds', 'spending_cap', 'price_too_high'] as const

  test.each([...own, ...ownMoney])('nobody, when this node is at fault: %s', async code => {
    expect(await isPutLast(code)).toBe(false)
  })

  test.each(['peer_unreachable', 'backend_failed', 'stream_cut', 'timeout', 'overloaded', 'payment_invalid'] as const)(
    'who was asked, when it is at fault: %s',
    async code => {
      expect(await isPutLast(code)).toBe(true)
    },
  )

  test.each(['payment_required', 'insufficient_funds', 'session_unknown', 'voucher_epoch'] as const)(
    'a peer that refuses payment: %s',
    async code => {
      expect(await isPutLast(code, 'a')).toBe(true)
    },
  )

  test.each([
    [{}, 60_000],
    [{ saidBy: 'a' }, 500],
  ])('for long, when its key is refused; a peer may have other servers with other keys: %j', async (said, forMs) => {
    const a = failing('a', 'backend_refused', said)
    const { backend, ranking } = routed([candidate(a)])
    await expect(drain(backend.run(chat('say-1'), contextOf()))).rejects.toMatchObject({ code: 'backend_refused' })
    expect(a.script.opened).toBe(1)
    expect(ranking.snapshot()[0]).toMatchObject({ state: 'open', coolsDownForMs: forMs })
  })

  test('nobody, when a call is too dear for its caller; but one that another answers at that price', async () => {
    expect(await isPutLast('price_too_high', 'a')).toBe(false)
    const [dear, fair] = [failing('a', 'price_too_high', { saidBy: 'a' }), createScripted('b')]
    const { backend } = routed([candidate(dear), candidate(fair)])
    for (let i = 0; i < 2; i++) await drain(backend.run(chat('say-1'), contextOf()))
    expect([dear.script.opened, fair.script.opened]).toEqual([1, 2])
  })

  test('nobody, when a model is not there', async () => {
    expect(await isPutLast('model_not_found', 'a')).toBe(false)
  })
})

async function* withoutFirst(reply: ReturnType<Backend['run']>) {
  await reply.next()
  for await (const chunk of reply) yield chunk
}
