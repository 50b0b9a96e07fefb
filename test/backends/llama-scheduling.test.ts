import { afterAll, expect, test } from 'vitest'
import { type Outcome, ParleyError, type Reply } from '../../src/core/index.ts'
import { ask, choicesOf, contextFor, endless, hear, nanoBackend } from './llama-stage.ts'

const backend = nanoBackend({ parallel: 2, waitingMax: 2, preload: true })
afterAll(() => backend.stop())

/** Reads until a chunk carries text. */
async function firstWord(reply: Reply): Promise<void> {
  for (;;) {
    const next = await reply.next()
    if (next.done) throw new ParleyError('internal', 'the reply ended without a word')
    if (choicesOf(next.value).some(choice => choice.text)) return
  }
}

async function rest(reply: Reply): Promise<Outcome> {
  for (;;) {
    const next = await reply.next()
    if (next.done) return next.value
  }
}

test('an abort after the first word ends the reply and frees its sequence', async () => {
  const controller = new AbortController()
  const reply = backend.run(endless(), contextFor(controller.signal))
  await firstWord(reply)
  controller.abort()
  await expect(rest(reply)).rejects.toMatchObject({ code: 'cancelled' })
  await hear(backend, ask('What is 7 plus 5?', { n: 4 }))
})

test('an abort frees the sequences also when nobody reads', async () => {
  const controller = new AbortController()
  const replies = [1, 2, 3, 4].map(() => backend.run(endless(), contextFor(controller.signal)))
  await Promise.all(replies.slice(0, 2).map(firstWord))
  void replies[2]!.next().catch(() => {})
  void replies[3]!.next().catch(() => {})
  controller.abort()
  const { texts } = await hear(backend, ask('What is the capital of France?'))
  expect(texts[0]).toContain('Paris')
  await Promise.allSettled(replies.map(reply => reply.return({} as Outcome)))
})

test('an abort ends a call that still reads its prompt, and one that waits', async () => {
  const controller = new AbortController()
  const holders = [1, 2].map(() => backend.run(endless(), contextFor(controller.signal)))
  await Promise.all(holders.map(firstWord))
  const leaver = new AbortController()
  const waiting = backend.run(ask('Hello'), contextFor(leaver.signal)).next()
  leaver.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  controller.abort()
  const reader = new AbortController()
  const reading = backend.run(endless({ prompt: 'a b c d '.repeat(480) }), contextFor(reader.signal)).next()
  reader.abort()
  await expect(reading).rejects.toMatchObject({ code: 'cancelled' })
  await Promise.allSettled(holders.map(rest))
})

test('a reply that was aborted before it began does nothing', async () => {
  const reply = backend.run(ask('Hello'), contextFor(AbortSignal.abort()))
  await expect(reply.next()).rejects.toMatchObject({ code: 'cancelled' })
})

test('a bound on time is told as such', async () => {
  const reply = backend.run(endless({ max_tokens: 2_000 }), contextFor(AbortSignal.timeout(50)))
  await expect(rest(reply)).rejects.toMatchObject({ code: 'timeout' })
})

test('a reader that stops reading stops its own sequence and nobody else', async () => {
  const controller = new AbortController()
  const stuck = backend.run(endless({ max_tokens: 2_000 }), contextFor(controller.signal))
  await firstWord(stuck)
  for (let round = 0; round < 3; round++) await hear(backend, ask('What is the capital of France?'))
  const next = await stuck.next()
  const unread = next.done ? Number.NaN : next.value.meta.outputTokens
  expect(unread).toBeLessThanOrEqual(16)
  controller.abort()
  await expect(rest(stuck)).rejects.toMatchObject({ code: 'cancelled' })
})

test('a stopped reader can go on and gets every word', async () => {
  const slow = backend.run(endless({ max_tokens: 100 }), contextFor())
  await firstWord(slow)
  await hear(backend, ask('What is the capital of France?'))
  expect((await rest(slow)).usage.completion_tokens).toBe(100)
})

test('a reader that leaves frees its sequence', async () => {
  for (let round = 0; round < 6; round++) {
    const reply = backend.run(endless(), contextFor())
    await firstWord(reply)
    await reply.return({} as Outcome)
  }
  expect((await hear(backend, ask('What is 7 plus 5?'))).texts[0]).toContain('12')
})

test('calls beyond the queue are refused with a time to wait, and room comes back', async () => {
  const controller = new AbortController()
  const held = [1, 2, 3, 4].map(() => backend.run(endless(), contextFor(controller.signal)))
  const begun = held.map(reply => reply.next().catch(cause => cause))
  await Promise.all(begun.slice(0, 2))
  const refused = hear(backend, ask('Hello'))
  await expect(refused).rejects.toMatchObject({ code: 'overloaded' })
  const error = await refused.catch((cause: unknown) => cause as ParleyError)
  expect((error as ParleyError).retryAfterSeconds).toBeGreaterThanOrEqual(1)
  controller.abort()
  await Promise.all(begun)
  await Promise.allSettled(held.map(rest))
  expect((await hear(backend, ask('What is the capital of France?'))).texts[0]).toContain('Paris')
})

test('a newcomer is answered while others still speak', async () => {
  const controller = new AbortController()
  const speaker = backend.run(endless({ max_tokens: 2_000 }), contextFor(controller.signal, 'speaker'))
  const speaking = rest(speaker).catch((cause: unknown) => cause)
  await hear(backend, ask('What is the capital of France?'), contextFor(undefined, 'newcomer'))
  controller.abort()
  expect(await speaking).toMatchObject({ code: 'cancelled' })
})

test('sequences go to those who hold none before those who hold some', async () => {
  const order: string[] = []
  const run = async (owner: string, call: ReturnType<typeof endless>) => {
    await hear(backend, call, contextFor(undefined, owner))
    order.push(owner)
  }
  const greedy = run('greedy', endless({ n: 8, max_tokens: 40 }))
  const polite = run('polite', endless({ max_tokens: 40 }))
  await Promise.all([greedy, polite])
  expect(order).toEqual(['polite', 'greedy'])
})

test('stopping ends running and waiting calls with `stopping`, and later ones', async () => {
  const other = nanoBackend({ parallel: 1 })
  const running = other.run(endless(), contextFor())
  await firstWord(running)
  const waiting = other.run(ask('Hello'), contextFor()).next()
  const ends = [expect(rest(running)).rejects.toMatchObject({ code: 'stopping' })]
  ends.push(expect(waiting).rejects.toMatchObject({ code: 'stopping' }))
  await new Promise(resolve => setImmediate(resolve))
  await other.stop()
  await Promise.all(ends)
  await expect(hear(other, ask('Hello'))).rejects.toMatchObject({ code: 'stopping' })
})
