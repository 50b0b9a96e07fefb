import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ConfigInput } from '../../src/config/index.ts'
import type { RequestRow } from '../../src/core/index.ts'
import {
  type Answer,
  cut,
  type FaultyUpstream,
  json,
  refuse,
  startFaultyUpstream,
  stream,
  text,
} from '../faulty-upstream.ts'
import { startGateway } from './gateway.ts'
import { makeKey } from './keys.ts'

const waiting = { timeout: 3_000, interval: 20 }
/** What the fault-injecting server says of a whole answer: 7 in, 5 out. */
const wholeAt = (dollarsIn: number, dollarsOut: number) => BigInt(7 * dollarsIn + 5 * dollarsOut)

async function upstreamOf(...models: string[]): Promise<FaultyUpstream> {
  const upstream = await startFaultyUpstream(models)
  onTestFinished(upstream.stop)
  return upstream
}

/** A node whose calls are counted in rows and in a budget that is never used up. */
async function startCounting(input: ConfigInput) {
  const gateway = await startGateway(input)
  const { store } = await gateway.store()
  const budget = { scope: 'node' as const, scopeId: '', window: 'total' as const, isHard: true }
  const { id } = await store.budgets.create({ ...budget, amount: 10n ** 12n })
  const rows = async (): Promise<readonly RequestRow[]> => (await store.requests.list({}, { page: 1, limit: 50 })).rows
  const spent = async () => (await store.budgets.get(id))!.spent
  // The node hears of the budget within a moment.
  await sleep(300)
  return { ...gateway, rows, spent }
}

/** Reads so many pieces of a stream, then goes. */
async function leaveAfter(asking: Promise<Response>, enough: RegExp): Promise<void> {
  let said = ''
  const reader = (await asking).body!.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    said += Buffer.from(value ?? []).toString()
    if (done || enough.test(said)) break
  }
  await reader.cancel()
}

afterEach(() => vi.restoreAllMocks())

const drip = stream({ words: Array.from({ length: 400 }, (_, i) => `w${i} `), dripMs: 5 })

describe('what a call costs', () => {
  test('is what the model costs that answered, where one provider stands behind a name twice', async () => {
    const upstream = await upstreamOf('cheap', 'dear')
    const { ask, rows, spent } = await startCounting({
      upstreams: [
        {
          ...{ name: 'up', url: upstream.url },
          prices: [
            { model: 'cheap', in: '1', out: '1' },
            { model: 'dear', in: '100', out: '100' },
          ],
        },
      ],
      endpoints: [
        {
          name: 'fast',
          policy: 'priority',
          targets: [
            { provider: 'up', model: 'cheap', priority: 1 },
            { provider: 'up', model: 'dear', priority: 2 },
          ],
        },
      ],
    })
    upstream.next(refuse(500))
    await ask('fast')
    expect(upstream.hits.map(({ body }) => body.model)).toEqual(['cheap', 'dear'])
    await vi.waitFor(async () => expect(await rows()).toMatchObject([{ cost: wholeAt(100, 100) }]), waiting)
    await vi.waitFor(async () => expect(await spent()).toBe(wholeAt(100, 100)), waiting)
  })

  test('is known where a rule has another model answer', async () => {
    const upstream = await upstreamOf('real')
    const { ask, rows, spent } = await startCounting({
      upstreams: [{ name: 'up', url: upstream.url, prices: [{ in: '2', out: '3' }] }],
      routing: { rules: [{ when: { models: ['gone'] }, use: { model: 'real' } }] },
    })
    await ask('gone')
    expect(upstream.hits[0]!.body.model).toBe('real')
    await vi.waitFor(async () => expect(await rows()).toMatchObject([{ cost: wholeAt(2, 3) }]), waiting)
    await vi.waitFor(async () => expect(await spent()).toBe(wholeAt(2, 3)), waiting)
  })

  test('is that of each who told a part of it', async () => {
    const [first, second] = [await upstreamOf('m'), await upstreamOf('m')]
    first.always(cut('rst'))
    second.always(stream({ words: [' and', ' on'] }))
    const { chat, rows, spent } = await startCounting({
      upstreams: [
        { name: 'a', url: first.url, prices: [{ in: '1', out: '10' }] },
        { name: 'b', url: second.url, prices: [{ in: '1000', out: '1000' }] },
      ],
      routing: { policy: 'priority' },
    })
    const answer = await chat('m', { stream: true, continue_on_failure: true, provider: { order: ['a', 'b'] } })
    expect(await answer.text()).toContain('[DONE]')
    // Of the first: its prompt by a guess (1), 5 words; of the second what it said of itself.
    const cost = 1n + 5n * 10n + wholeAt(1_000, 1_000)
    await vi.waitFor(async () => expect(await rows()).toMatchObject([{ cost, tokensOutput: 10 }]), waiting)
    await vi.waitFor(async () => expect(await spent()).toBe(cost), waiting)
  })

  test('is booked once where equal calls were asked once', async () => {
    const upstream = await upstreamOf('m')
    upstream.always(stream({ dripMs: 30 }))
    const { ask, rows, spent } = await startCounting({
      upstreams: [{ name: 'up', url: upstream.url, prices: [{ in: '1', out: '1' }] }],
    })
    const all = await Promise.all(Array.from({ length: 3 }, () => ask('m', { temperature: 0 })))
    expect(new Set(all).size).toBe(1)
    expect(upstream.hits).toHaveLength(1)
    await vi.waitFor(async () => expect(await rows()).toHaveLength(3), waiting)
    const told = await rows()
    expect(told.map(({ cost }) => cost).sort()).toEqual([0n, 0n, wholeAt(1, 1)])
    expect(told.map(({ tokensOutput }) => tokensOutput)).toEqual([5, 5, 5])
    await vi.waitFor(async () => expect(await spent()).toBe(wholeAt(1, 1)), waiting)
  })

  test('is that of a whole answer also where the first of those who share it leaves', async () => {
    const upstream = await upstreamOf('m')
    upstream.always(stream({ dripMs: 30 }))
    const { ask, chat, rows, spent } = await startCounting({
      upstreams: [{ name: 'up', url: upstream.url, prices: [{ in: '1', out: '1' }] }],
    })
    const leaving = leaveAfter(chat('m', { temperature: 0, stream: true }), / from/)
    await vi.waitFor(() => expect(upstream.hits).toHaveLength(1), waiting)
    await ask('m', { temperature: 0 })
    await leaving
    expect(upstream.hits).toHaveLength(1)
    await vi.waitFor(async () => expect(await rows()).toHaveLength(2), waiting)
    await vi.waitFor(async () => expect(await spent()).toBe(wholeAt(1, 1)), waiting)
    expect((await rows()).map(({ cost }) => cost).sort()).toEqual([0n, wholeAt(1, 1)])
  })

  test('is that of the sound that was heard, whatever form its transcript has', async () => {
    const upstream = await upstreamOf('whisper')
    upstream.always(text('text/plain', 'heard'))
    const { node, rows, spent } = await startCounting({
      upstreams: [{ name: 'up', url: upstream.url, prices: [{ minute: '0.06' }] }],
    })
    const ai = new OpenAI({ baseURL: node.url, apiKey: node.firstKey!, maxRetries: 0 })
    const said = await ai.audio.transcriptions.create({
      ...{ model: 'whisper', response_format: 'text' },
      file: new File([wavOf(90)], 'sound.wav'),
    })
    expect(said).toBe('heard')
    await vi.waitFor(async () => expect(await rows()).toMatchObject([{ cost: 90_000n }]), waiting)
    await vi.waitFor(async () => expect(await spent()).toBe(90_000n), waiting)
  })
})

/** Silence of so many seconds: 8,000 samples of a byte each. */
function wavOf(seconds: number): Buffer<ArrayBuffer> {
  const size = seconds * 8_000
  const wav = Buffer.alloc(44 + size, 128)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + size, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(8_000, 24)
  wav.writeUInt32LE(8_000, 28)
  wav.writeUInt16LE(1, 32)
  wav.writeUInt16LE(8, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(size, 40)
  return wav
}

describe('a caller that leaves', () => {
  test('is counted with what it got, under whose name it asked for it', async () => {
    const upstream = await upstreamOf('real')
    upstream.always(drip)
    const { chat, paths, rows, spent } = await startCounting({
      upstreams: [{ name: 'up', url: upstream.url, prices: [{ in: '1000', out: '1000' }] }],
    })
    const key = await makeKey(paths.storeFile, { name: 'aliased', preset: { aliases: { house: 'real' } } })
    await leaveAfter(chat('house', { stream: true }, key), /w9 /)
    await vi.waitFor(async () => expect(await rows()).toHaveLength(1), waiting)
    const [row] = await rows()
    expect(row).toMatchObject({ provider: 'up', model: 'house', servedModel: 'real', errorCode: 'cancelled' })
    expect(row!.tokensOutput).toBeGreaterThan(9)
    expect(row!.cost).toBe(1_000n * BigInt(row!.tokensInput + row!.tokensOutput))
    await vi.waitFor(async () => expect(await spent()).toBe(row!.cost), waiting)
  })

  test('is on record with who was answering, not with who had failed before', async () => {
    const [first, second] = [await upstreamOf('m'), await upstreamOf('m')]
    first.always(refuse(500))
    second.always(drip)
    const { chat, rows } = await startCounting({
      upstreams: [
        { name: 'a', url: first.url },
        { name: 'b', url: second.url },
      ],
    })
    await leaveAfter(chat('m', { stream: true, provider: { order: ['a', 'b'] } }), /w3 /)
    await vi.waitFor(
      async () =>
        expect(await rows()).toMatchObject([{ provider: 'b', isPartial: true, attempts: [{ provider: 'a' }] }]),
      waiting,
    )
  })
})

test('an answer that its caller has whole is on record as whole, and as counted, whatever became of its server', async () => {
  const upstream = await upstreamOf('m')
  // Of two answers only the end mark says that both are whole; the usage behind them is the last of it.
  const two: Answer = stream({ words: ['a', 'b'], isDone: false })
  upstream.always(two)
  const { chat, rows } = await startCounting({
    upstreams: [{ name: 'up', url: upstream.url, prices: [{ in: '1', out: '1' }] }],
    archive: { enabled: true },
  })
  const answer = await chat('m', { stream: true, n: 2 })
  expect(await answer.text()).toContain('[DONE]')
  await vi.waitFor(
    async () =>
      expect(await rows()).toMatchObject([{ isPartial: false, tokensInput: 7, tokensOutput: 5, cost: wholeAt(1, 1) }]),
    waiting,
  )
})

describe('a key that may ask for one model', () => {
  const small = async () => {
    const upstream = await upstreamOf('small', 'big')
    const gateway = await startGateway({
      upstreams: [{ name: 'up', url: upstream.url }],
      endpoints: [{ name: 'wide', targets: [{ model: 'big' }] }],
    })
    const key = await makeKey(gateway.paths.storeFile, {
      ...{ name: 'narrow', models: ['small'] },
      preset: { aliases: { nick: 'big' } },
    })
    return { upstream, gateway, key }
  }

  test('reaches no other by any name or field', async () => {
    const { upstream, gateway, key } = await small()
    const { chat, send, node } = gateway
    for (const [model, fields] of [
      ['big', {}],
      ['nick', {}],
      ['wide', {}],
      ['small', { models: ['big'] }],
      ['small', { models: ['nick'] }],
      [undefined, { models: ['big'] }],
    ] as const) {
      const refused = await chat(model as string, fields, key)
      expect([model, fields, refused.status]).toEqual([model, fields, 403])
    }
    const form = new FormData()
    form.set('models[]', 'big')
    form.set('file', new Blob(['x']), 'x.wav')
    const heard = await fetch(`${node.url}/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: form,
    })
    expect(heard.status).toBe(403)
    expect((await send('/v1/responses', { model: 'small', models: ['big'], input: 'hi' }, key)).status).toBe(403)
    expect((await send('/v1/embeddings', { model: 'big', input: 'hi' }, key)).status).toBe(403)
    expect(upstream.hits).toHaveLength(0)
  })

  test('trains no other', async () => {
    const { upstream, gateway, key } = await small()
    upstream.always(json(200, { id: 'ftjob-1' }))
    const train = (model: string) => gateway.send('/v1/fine_tuning/jobs', { model, training_file: 'none' }, key)
    expect((await train('big')).status).toBe(403)
    // Its own it may, but for a file that is not there.
    expect((await train('small')).status).toBe(404)
    expect(upstream.hits).toHaveLength(0)
  })
})

test('a client library that writes what it wants of the routing into a form is understood', async () => {
  const [a, b] = [await upstreamOf('whisper'), await upstreamOf('whisper')]
  a.always(refuse(500))
  b.always(json(200, { text: 'heard' }))
  const { node } = await startGateway({
    upstreams: [
      { name: 'a', url: a.url },
      { name: 'b', url: b.url },
    ],
  })
  const ai = new OpenAI({ baseURL: node.url, apiKey: node.firstKey!, maxRetries: 0 })
  const listen = (provider: object) =>
    ai.audio.transcriptions.create({
      ...{ model: 'whisper', file: new File(['x'], 'x.wav') },
      ...({ provider } as object),
    })
  expect(await listen({ order: ['b'], allow_fallbacks: false })).toMatchObject({ text: 'heard' })
  expect(a.hits).toHaveLength(0)
  expect(b.hits[0]!.raw.toString()).not.toMatch(/provider|allow_fallbacks/)
  await expect(listen({ order: ['a'], allow_fallbacks: false })).rejects.toMatchObject({ status: 502 })
  expect(b.hits).toHaveLength(1)
})
