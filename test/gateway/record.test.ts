import { expect, test } from 'vitest'
import type { Backend, Reply } from '../../src/core/index.ts'
import { createEventLog, ParleyError, systemClock } from '../../src/core/index.ts'
import { type AdmissionOptions, createAdmission, record } from '../../src/gateway/index.ts'
import { Chunk, noUsage } from '../../src/openai/index.ts'
import { createLogLines } from '../../src/telemetry/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'
import { createScripted } from '../scripted.ts'

function recorded() {
  const log = createEventLog(systemClock.now)
  const truth = createScripted()
  return { log, truth, backend: record(log, systemClock)(truth) }
}

test('a call that ends is told with its tokens', async () => {
  const { log, backend } = recorded()
  await drain(backend.run(chat('say-4'), contextOf({ id: 'call-0001' })))
  expect(log.recent()).toMatchObject([
    { type: 'call.started', id: 'call-0001', model: 'say-4' },
    { type: 'call.ended', id: 'call-0001', tokensIn: 3, tokensOut: 4, servedBy: 'scripted', finishReason: 'stop' },
  ])
})

test('what was answered beside tokens is told', async () => {
  const log = createEventLog(systemClock.now)
  const units = { unit: 'seconds', count: 2.5 } as const
  const spoken: Backend = {
    ...createScripted(),
    run: async function* () {
      yield Chunk.of({ text: 'heard' })
      return { usage: noUsage, servedBy: 'ears', units }
    },
  }
  await drain(record(log, systemClock)(spoken).run(chat('say-1'), contextOf()))
  expect(log.recent().at(-1)).toMatchObject({ type: 'call.ended', units })
  const lines: string[] = []
  createLogLines({ level: 'info', write: line => lines.push(line) })(log.recent().at(-1)!)
  expect(lines[0]).toMatch(/ units\.unit=seconds units\.count=2\.5( |$)/)
})

test('a call that breaks is told with what was produced', async () => {
  const { log, backend } = recorded()
  await expect(drain(backend.run(chat('break-3'), contextOf()))).rejects.toBeInstanceOf(ParleyError)
  expect(log.recent().at(-1)).toMatchObject({ type: 'call.failed', code: 'overloaded', tokensIn: 3, tokensOut: 2 })
})

test('a reader that leaves is told as cancelled, with what was produced', async () => {
  const { log, backend } = recorded()
  const reply = backend.run(chat('slow-100'), contextOf())
  await reply.next()
  await reply.next()
  await reply.return(undefined as never)
  expect(log.recent().at(-1)).toMatchObject({ type: 'call.failed', code: 'cancelled', tokensOut: 1 })
})

test('no event holds a word of the prompt or the answer', async () => {
  const { log, backend } = recorded()
  const messages = [{ role: 'user', content: 'CANARY-7c1d' }]
  await drain(backend.run(chat('say-2', { messages }), contextOf()))
  const text = JSON.stringify(log.recent())
  expect(text).not.toContain('CANARY-7c1d')
  expect(text).not.toContain('w0')
})

test('no event quotes what could not be parsed', async () => {
  const log = createEventLog(systemClock.now)
  const torn: Backend = {
    ...createScripted(),
    // biome-ignore lint/correctness/useYield: it fails before it says anything
    run: async function* () {
      throw JSON.parse('CANARY-7c1d')
    },
  }
  const backend = record(log, systemClock)(torn)
  await expect(drain(backend.run(chat('say-2'), contextOf()))).rejects.toMatchObject({ code: 'internal' })
  expect(log.recent().at(-1)).toMatchObject({ type: 'call.failed', code: 'internal' })
  expect(JSON.stringify(log.recent())).not.toContain('CANARY')
})

test('admission bounds the calls of all and of one', async () => {
  const { admission, start, leave } = admitted({ maxRunning: 3, maxRunningPerPrincipal: 2 })
  await Promise.all([start('a'), start('a'), start('b')])
  await expect(start('a')).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
  await expect(start('c')).rejects.toMatchObject({ code: 'overloaded' })
  expect(admission.running).toBe(3)
  await leave()
  expect(admission.running).toBe(0)
})

test('a stopping node takes no new calls and waits for the running ones, within a bound', async () => {
  const { admission, start, leave } = admitted({ maxRunning: 3, maxRunningPerPrincipal: 3 })
  await start('a')
  await admission.drain(AbortSignal.timeout(50))
  expect(admission.running).toBe(1)
  await expect(start('b')).rejects.toMatchObject({ code: 'stopping' })
  const drained = admission.drain(AbortSignal.timeout(10_000))
  await leave()
  await drained
  expect(admission.running).toBe(0)
})

function admitted(options: AdmissionOptions) {
  const admission = createAdmission(options)
  const backend = admission.admit(createScripted())
  const replies: Reply[] = []
  const start = (id: string) => {
    const reply = backend.run(chat('slow-1000'), contextOf({ principal: { kind: 'key', id } }))
    replies.push(reply)
    return reply.next()
  }
  const leave = () => Promise.all(replies.map(reply => reply.return(undefined as never)))
  return { admission, start, leave }
}
