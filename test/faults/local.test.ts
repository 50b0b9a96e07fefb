import { copyFileSync, mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUpstream } from '../../src/backends/index.ts'
import { createLlamaBackend, type LlamaBackend } from '../../src/backends/llama/index.ts'
import {
  type Clock,
  createEventLog,
  type EventLog,
  type LoggedEvent,
  systemClock,
  systemRandom,
} from '../../src/core/index.ts'
import { createAdmission, createRanking, router } from '../../src/gateway/index.ts'
import { userStack } from '../../src/stacks.ts'
import { nanoPath } from '../backends/llama-stage.ts'
import { type FaultyUpstream, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { until } from '../node/market.ts'
import { ask, type Heard, hitsOf, newId } from './asking.ts'
import { backupWords, faultKinds, type Told } from './faults.ts'

const attemptsMax = 2
/** Longer than who finds no room waits before it asks again: those that hold the room wait, too. */
const firstChunkMs = 2_500
const waitingMax = 2

let backend: LlamaBackend
let backup: FaultyUpstream
let front: LocalServer
let log: EventLog
let folder: string
let running: () => number
const ends: (() => unknown)[] = []
/** Every answer so far. */
const heard: Heard[] = []

/** A clock that breaks when it is read for the `at`-th time from now: what the engine's loop cannot do without. */
const broken = { at: 0 }
const engineWords = 'out of order'
const breakingClock: Clock = {
  now: systemClock.now,
  monotonic: () => {
    if (broken.at > 0 && --broken.at === 0) throw new RangeError(`the engine is ${engineWords} in ${nanoPath}`)
    return systemClock.monotonic()
  },
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-local-'))
  const paths = ['gone', 'torn'].map(id => ({ id, path: join(folder, `${id}.gguf`), parallel: 1, threads: 1 }))
  for (const { path } of paths) copyFileSync(nanoPath, path)
  const models = [{ id: 'nano', path: nanoPath, parallel: 1, threads: 1 }, ...paths]
  backend = createLlamaBackend({ models, clock: breakingClock, random: systemRandom, gpu: false, waitingMax })
  await backend.start(AbortSignal.timeout(10_000))
  await backend.models(AbortSignal.timeout(10_000))
  rmSync(join(folder, 'gone.gguf'))
  truncateSync(join(folder, 'torn.gguf'), 200_000)
  backup = await startFaultyUpstream(['nano'])
  backup.always(stream({ words: backupWords }))
  const other = createUpstream({
    name: 'backup',
    url: backup.url,
    clock: systemClock,
    connectTimeoutMs: 5_000,
    maxConnections: 8,
  })
  log = createEventLog(systemClock.now)
  const admission = createAdmission({ maxRunning: 100, maxRunningPerPrincipal: 100 })
  running = () => admission.running
  const serving = () => [
    { name: 'llama', kind: 'local' as const, backend },
    { name: 'backup', kind: 'api' as const, backend: other },
  ]
  front = await serveLocally(
    userStack({
      ...{ log, clock: systemClock, admission },
      router: router({
        candidates: { serving, names: () => ['llama', 'backup'], models: async () => [] },
        ...{ ranking: createRanking(systemClock, systemRandom), policy: 'priority', maxAttempts: attemptsMax },
        ...{ timeouts: { firstChunkMs, idleMs: 5_000, totalMs: 20_000 }, log, clock: systemClock },
      }),
    }),
  )
  ends.push(() => rmSync(folder, { recursive: true, force: true }), backup.stop, other.close, backend.stop, front.stop)
  await chat({ provider: 'llama', max_tokens: 1 })
})
afterAll(async () => {
  for (const end of ends.toReversed()) await end()
})

async function chat(body: Record<string, unknown>, signal?: AbortSignal, id?: string): Promise<Heard> {
  const asked = { model: 'nano', temperature: 0, max_tokens: 20, ...body }
  const answer = await ask({ url: front.url, key: 'sk-parley-test', body: asked, ...(signal && { signal }) }, id)
  heard.push(answer)
  return answer
}

const both = { order: ['llama', 'backup'], only: ['llama', 'backup'] }
/** Its end tokens are forbidden. */
const endless = { logit_bias: { 0: -100, 1: -100, 2: -100 }, max_tokens: 1_900, stream: true, provider: 'llama' }

const longPrompt = [{ role: 'user', content: 'a b c d '.repeat(400) }]

function eventsOf({ id }: { readonly id: string }): LoggedEvent[] {
  return log.recent().filter(event => 'id' in event && event.id === id)
}

const attemptsOf = (heard: { readonly id: string }) =>
  eventsOf(heard).flatMap(event => (event.type === 'call.attempted' ? [[event.backend, event.code]] : []))
const endOf = (heard: { readonly id: string }) =>
  eventsOf(heard).find(({ type }) => type === 'call.ended' || type === 'call.failed')

/** As many endless answers; returns what lets them go. */
async function hold(count: number): Promise<() => Promise<void>> {
  const gone = new AbortController()
  const ids = Array.from({ length: count }, newId)
  const held: Promise<unknown>[] = []
  for (const id of ids) {
    held.push(chat(endless, gone.signal, id).catch((cause: unknown) => cause))
    await until(() => eventsOf({ id }).some(({ type }) => type === 'call.started'), 'it is held')
  }
  await sleep(20)
  return async () => {
    gone.abort()
    await Promise.all(held)
    await until(() => ids.every(id => endOf({ id }) !== undefined), 'all are let go')
  }
}

interface LocalFault extends Told {
  readonly body?: Record<string, unknown>
  readonly held?: number
}

const faults: Record<string, LocalFault> = {
  'a model that is missing': { body: { model: 'absent' }, status: 404, code: 'model_not_found', remedy: 'elsewhere' },
  'weights that are gone': { body: { model: 'gone' }, status: 502, code: 'model_failed', remedy: 'again' },
  'weights that are torn': { body: { model: 'torn' }, status: 502, code: 'model_failed', remedy: 'again' },
  'a prompt that is too long': {
    body: { messages: [{ role: 'user', content: 'word '.repeat(3_000) }] },
    ...{ status: 400, code: 'context_length_exceeded', remedy: 'elsewhere' },
  },
  'no room': { held: 1 + waitingMax, status: 503, code: 'overloaded', remedy: 'again' },
  'silence before the first word': { held: 1, status: 504, code: 'timeout', remedy: 'elsewhere' },
}

describe('before the first word', () => {
  test.each(Object.entries(faults))('%s: its status alone, and a second target answers', async (_what, fault) => {
    const { body = {}, held = 0, status, code, remedy } = fault
    const release = await hold(held)
    const [alone, second] = await Promise.all([
      chat({ ...body, provider: 'llama' }),
      chat({ ...body, stream: true, provider: both }),
    ])
    await release()
    expect(alone).toMatchObject({ status, text: '', error: { code } })
    const times = remedy === 'again' ? attemptsMax : 1
    expect(attemptsOf(alone)).toEqual(Array(times).fill(['llama', code]))
    expect(endOf(alone)).toMatchObject({ type: 'call.failed', code, tokensOut: 0 })
    if (code === 'overloaded') expect(Number(alone.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(second).toMatchObject({ status: 200, text: backupWords.join(''), isDone: true })
    expect(attemptsOf(second)).toEqual([['llama', code]])
    await until(() => endOf(second) !== undefined, 'it is on record')
    expect(endOf(second)).toMatchObject({ type: 'call.ended', servedBy: 'backup', attempts: 2 })
    expect(await chat({ provider: 'llama' })).toMatchObject({ status: 200 })
  })

  test('an engine that breaks: the same is asked again and answers, or another at once', async () => {
    broken.at = 2
    const again = await chat({ provider: 'llama' })
    expect(again).toMatchObject({ status: 200, error: undefined })
    expect(again.headers.get('x-parley-attempts')).toBe('2')
    broken.at = 2
    const other = await chat({ provider: both })
    expect(other).toMatchObject({ status: 200, text: backupWords.join('') })
    for (const heard of [again, other]) expect(attemptsOf(heard)).toEqual([['llama', 'model_failed']])
  })
})

describe('after the first word', () => {
  /** The engine's loop reads the clock once for a call and twice for each token: some are out by then. */
  async function broke(body: Record<string, unknown>): Promise<Heard> {
    broken.at = 20
    return await chat({ ...endless, ...body })
  }

  test('an engine that breaks: the words so far, an error event, no good end; exact counts on record', async () => {
    const heard = await broke({ provider: both, stream_options: { include_usage: true } })
    expect(heard).toMatchObject({ status: 200, isDone: false, error: { code: 'model_failed' }, usage: undefined })
    expect(heard.text.length).toBeGreaterThan(0)
    expect(heard.raw).not.toContain('[DONE]')
    expect(hitsOf(backup.hits, heard)).toEqual([])
    const end = endOf(heard) as LoggedEvent & { type: 'call.failed' }
    expect(end).toMatchObject({ type: 'call.failed', code: 'model_failed' })
    expect(end).not.toHaveProperty('isEstimated')
    expect(end.tokensIn).toBeGreaterThan(0)
    expect(end.tokensOut).toBeGreaterThan(0)
    expect(await chat({ provider: 'llama' })).toMatchObject({ status: 200 })
  })

  test('an engine that breaks: there is no half answer in one body', async () => {
    const heard = await broke({ stream: false })
    expect(heard).toMatchObject({ status: 502, text: '', error: { code: 'model_failed' } })
  })

  test('an engine that breaks: another goes on where the app wants it', async () => {
    const heard = await broke({ provider: both, continue_on_failure: true })
    expect(heard).toMatchObject({ isDone: true, error: undefined })
    expect(heard.text.endsWith(backupWords.join(''))).toBe(true)
    const [next] = hitsOf(backup.hits, heard)
    const before = heard.text.slice(0, -backupWords.join('').length)
    expect(next!.body.messages).toMatchObject([{ role: 'user' }, { role: 'assistant', content: before }])
  })
})

describe('an app that leaves', () => {
  test.each([
    ['while it speaks', 0, endless],
    ['while it waits for room', 1, endless],
    ['while its prompt is read', 0, { ...endless, max_tokens: 200, messages: longPrompt }],
  ])('%s gives its room to the next', async (_when, held, body) => {
    const release = await hold(held)
    const gone = new AbortController()
    const id = newId()
    const left = chat({ ...body, provider: both }, gone.signal, id).catch((cause: unknown) => cause)
    await until(() => eventsOf({ id }).length > 0, 'it is asked')
    await sleep(30)
    gone.abort()
    await left
    await until(() => endOf({ id }) !== undefined, 'it is on record')
    expect(endOf({ id })).toMatchObject({ type: 'call.failed', code: 'cancelled' })
    expect(hitsOf(backup.hits, { id })).toEqual([])
    await release()
    expect(await chat({ provider: 'llama' })).toMatchObject({ status: 200 })
    expect(running()).toBe(0)
  })
})

test('nobody is told where files of this machine lie, or what the engine says', () => {
  const shown = heard.map(({ raw, headers }) => raw + JSON.stringify([...headers]))
  const told = log.recent().map(event => JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? '0' : value)))
  const reasons = shown.filter(text => text.includes('cannot be loaded'))
  expect(reasons.length).toBeGreaterThan(1)
  for (const reason of ['its file is gone', 'its file has changed']) {
    expect([reasons, told].map(texts => texts.some(text => text.includes(reason)))).toEqual([true, true])
  }
  expect(shown.some(text => text.includes('the engine failed while computing'))).toBe(true)
  const secrets = [folder, dirname(nanoPath), engineWords, 'ENOENT', '.gguf']
  expect([...shown, ...told].filter(text => secrets.some(secret => text.includes(secret)))).toEqual([])
})

test('every fault a model of this machine can have is played to one', () => {
  const played = [...Object.keys(faults), 'a model that breaks', 'an app that leaves']
  expect(played.sort()).toEqual(faultKinds.flatMap(({ fault, local }) => (local ? [fault] : [])).sort())
})
