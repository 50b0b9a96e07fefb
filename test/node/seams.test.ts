import { request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createUpstream } from '../../src/backends/index.ts'
import type { Backend, CallRecord, ExchangeEnd, Limits, Recorder, SharedCache, Taking } from '../../src/core/index.ts'
import { createEventLog, systemClock, systemRandom } from '../../src/core/index.ts'
import {
  type Candidate,
  cached,
  createAdmission,
  createRanking,
  limited,
  preset,
  router,
} from '../../src/gateway/index.ts'
import { noUsage, Preset } from '../../src/openai/index.ts'
import { userStack } from '../../src/stacks.ts'
import { until } from '../compliance.ts'
import {
  type Answer,
  cut,
  framed,
  hang,
  piece,
  saidWhole,
  startFaultyUpstream,
  stream,
  whole,
} from '../faulty-upstream.ts'
import { serveLocally } from '../local-server.ts'

interface Ended extends ExchangeEnd {
  readonly record: CallRecord
}

interface StageOptions {
  readonly stallMs?: number
  readonly admitMs?: number
  readonly lookupMs?: number
}

/** All filters of a node between a real front and a real service, with those that wait as slow as a test needs them. */
async function openStage({ admitMs = 0, lookupMs = 0, stallMs = 30_000 }: StageOptions = {}) {
  const upstream = await startFaultyUpstream(['m'])
  const backend = createUpstream({
    ...{ name: 'up', url: upstream.url, clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 64 },
  })
  const log = createEventLog(systemClock.now)
  const takings: Taking[] = []
  const ends: Ended[] = []
  let [admitted, running] = [0, 0]
  const limits: Limits = {
    allows: async () => true,
    admit: async () => {
      admitted++
      running++
      await sleep(admitMs)
      let isSettled = false
      return {
        ...{ ok: true, left: {}, isCounted: true, finish: () => {} },
        settle: taking => {
          if (!isSettled) running--
          isSettled = true
          takings.push(taking)
        },
      }
    },
  }
  const entries = new Map<string, Uint8Array>()
  const cache: SharedCache = {
    get: async key => {
      await sleep(lookupMs)
      return entries.get(key)
    },
    set: async (key, value) => entries.set(key, value).size > 0,
    purge: async () => entries.clear(),
  }
  const admission = createAdmission({ maxRunning: 64, maxRunningPerPrincipal: 64 })
  const candidates: Candidate[] = [{ name: 'up', kind: 'api', backend }]
  const own = Preset.parse({ aliases: { house: 'm' } })
  const stack = userStack({
    ...{ log, clock: systemClock, admission },
    limits: limited({ limits, pricing: { atMost: () => 0n, of: (_call, { usage }) => BigInt(usage.total_tokens) } }),
    preset: preset(() => own),
    cache: cached({
      cache,
      clock: systemClock,
      random: systemRandom,
      poolOf: () => 'pool',
      ttlMs: 60_000,
      maxEntryBytes: 64 << 20,
    }),
    router: router({
      ...{ log, clock: systemClock, policy: 'priority', maxAttempts: 2 },
      candidates: { serving: () => candidates, models: async () => [] },
      ranking: createRanking(systemClock, systemRandom),
      timeouts: { firstChunkMs: 5_000, idleMs: 5_000, totalMs: 10_000 },
    }),
  })
  const recorder: Recorder = {
    begin: request => ({ ...request, startedAt: 0, keepsTexts: true, cache: 'off', attempts: [] }),
    end: (record, end) => void ends.push({ ...end, record }),
  }
  const server = await serveLocally(stack, { recorder, stallMs })
  onTestFinished(async () => {
    await server.stop()
    await backend.close()
    await upstream.stop()
  })
  const ask = (fields: object = {}, signal?: AbortSignal) =>
    fetch(`${server.url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-parley-test' },
      body: JSON.stringify({ model: 'house', stream: true, messages: [{ role: 'user', content: 'hi' }], ...fields }),
      ...(signal && { signal }),
    })
  const isIdle = () => running === 0 && admission.running === 0
  return { upstream, log, takings, ends, admission, ask, isIdle, url: server.url, admitted: () => admitted }
}

type Stage = Awaited<ReturnType<typeof openStage>>

/** What must hold of every call that was left, wherever that was. */
async function expectLeft({ ends, takings, isIdle, log, upstream }: Stage, status: number): Promise<Ended> {
  expect(await until(() => ends.length === 1 && isIdle())).toBe(true)
  await sleep(30)
  expect(ends).toHaveLength(1)
  expect(takings).toHaveLength(1)
  expect(ends[0]).toMatchObject({ status, isWhole: false, record: { errorCode: 'cancelled' } })
  const told = log.recent().filter(({ type }) => type === 'call.ended' || type === 'call.failed')
  expect(told).toMatchObject([{ type: 'call.failed', code: 'cancelled' }])
  for (const hit of upstream.hits) expect(hit.leftAt).toBeDefined()
  return ends[0]!
}

const drip: Answer = stream({ words: Array.from({ length: 500 }, (_, i) => `w${i} `), dripMs: 5 })

async function firstPiece(response: Response): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const reader = response.body!.getReader()
  await reader.read()
  return reader
}

describe('a caller that leaves', () => {
  test('while its limits are asked for', async () => {
    const stage = await openStage({ admitMs: 150 })
    const gone = new AbortController()
    const asking = stage.ask({}, gone.signal).catch(() => undefined)
    await until(() => stage.admitted() === 1)
    gone.abort()
    await asking
    await expectLeft(stage, 499)
    expect(stage.upstream.hits).toHaveLength(0)
    expect(stage.takings).toEqual([{ tokens: 0, cost: 0n }])
  })

  test('while kept answers are looked for', async () => {
    const stage = await openStage({ lookupMs: 150 })
    const gone = new AbortController()
    const asking = stage.ask({}, gone.signal).catch(() => undefined)
    await until(() => stage.admitted() === 1)
    await sleep(20)
    gone.abort()
    await asking
    await expectLeft(stage, 499)
    expect(stage.upstream.hits).toHaveLength(0)
  })

  test('while the service is silent', async () => {
    const stage = await openStage()
    stage.upstream.always(hang('headers'))
    const gone = new AbortController()
    const asking = stage.ask({}, gone.signal).catch(() => undefined)
    await until(() => stage.upstream.hits.length === 1)
    gone.abort()
    await asking
    await expectLeft(stage, 499)
    expect(stage.takings).toEqual([{ tokens: 0, cost: 0n }])
  })

  test('in the midst of an answer', async () => {
    const stage = await openStage()
    stage.upstream.always(drip)
    const reader = await firstPiece(await stage.ask())
    await reader.read()
    await reader.cancel()
    const { record } = await expectLeft(stage, 200)
    expect(record.route).toMatchObject({ servedBy: 'up', model: 'm' })
    expect(record.count!.tokensOut).toBeGreaterThan(0)
    expect(stage.takings[0]!.tokens).toBe(record.count!.tokensIn + record.count!.tokensOut)
    expect(record.output).toMatch(/^w0 /)
  })

  test('in the midst of an answer that was kept', async () => {
    const stage = await openStage()
    // As much as no socket takes at once.
    stage.upstream.always(stream({ words: Array.from({ length: 1_200 }, () => 'x'.repeat(16_000)) }))
    expect(await (await stage.ask()).text()).toContain('[DONE]')
    expect(await until(() => stage.ends.length === 1)).toBe(true)
    stage.ends.length = 0
    stage.takings.length = 0
    await sleep(50)
    const leave = await askAndStall(stage.url)
    await sleep(50)
    leave()
    expect(await until(() => stage.ends.length === 1 && stage.isIdle())).toBe(true)
    expect(stage.ends[0]).toMatchObject({
      status: 200,
      isWhole: false,
      record: { cache: 'hit', errorCode: 'cancelled' },
    })
    expect(stage.takings).toEqual([{ tokens: 0, cost: 0n }])
    expect(stage.upstream.hits).toHaveLength(1)
  })

  test('right behind its whole answer, and has it whole', async () => {
    const stage = await openStage()
    const gone = new AbortController()
    const response = await stage.ask({}, gone.signal)
    let text = ''
    try {
      for await (const piece of response.body!) {
        text += Buffer.from(piece).toString()
        if (text.endsWith('data: [DONE]\n\n')) gone.abort()
      }
    } catch {
      // It left.
    }
    expect(await until(() => stage.ends.length === 1 && stage.isIdle())).toBe(true)
    expect(stage.ends[0]).toMatchObject({
      status: 200,
      isWhole: true,
      record: { outcome: { usage: { total_tokens: 12 } } },
    })
    expect(stage.ends[0]!.record.errorCode).toBeUndefined()
    expect(stage.takings).toEqual([{ tokens: 12, cost: 12n }])
  })
})

/** Asks and reads nothing but the first piece; resolves when that is there. */
async function askAndStall(url: string, fields: object = {}): Promise<() => void> {
  const { port } = new URL(url)
  const opened = Promise.withResolvers<() => void>()
  const sent = request(
    {
      ...{ port, path: '/v1/chat/completions', method: 'POST' },
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-parley-test' },
    },
    response => {
      response.on('error', () => undefined)
      response.once('data', () => {
        response.pause()
        opened.resolve(() => response.destroy())
      })
    },
  )
  sent.on('error', () => undefined)
  sent.end(JSON.stringify({ model: 'house', stream: true, messages: [{ role: 'user', content: 'hi' }], ...fields }))
  return await opened.promise
}

test('a reader that reads nothing is cut off, and the service with it', async () => {
  const stage = await openStage({ stallMs: 200 })
  stage.upstream.always(stream({ words: Array.from({ length: 4_000 }, () => 'x'.repeat(16_000)) }))
  await askAndStall(stage.url)
  expect(await until(() => stage.ends.length === 1 && stage.isIdle())).toBe(true)
  expect(stage.ends[0]).toMatchObject({ status: 200, isWhole: false, record: { errorCode: 'timeout' } })
  expect(await until(() => stage.upstream.hits[0]!.leftAt !== undefined)).toBe(true)
  expect(stage.takings[0]!.tokens).toBeGreaterThan(0)
})

test('a reader that does not come for the end of its answer keeps nothing waiting', async () => {
  const stage = await openStage({ stallMs: 200 })
  const unhandled: unknown[] = []
  const note = (cause: unknown) => void unhandled.push(cause)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  // More than sockets take, of which the last piece comes with the end.
  const words = [...Array.from({ length: 8 }, () => 'x'.repeat(1 << 20)), 'y'.repeat(4 << 20)]
  for (const fields of [{ stream: true }, { stream: false }]) {
    stage.ends.length = 0
    stage.upstream.next(stream({ words }))
    await askAndStall(stage.url, fields)
    expect(await until(() => stage.ends.length === 1 && stage.isIdle())).toBe(true)
    expect(stage.ends[0]).toMatchObject({ status: 200, isWhole: false })
  }
  await sleep(300)
  expect(unhandled).toEqual([])
})

test('a second request on the same connection has all of its time', async () => {
  const stage = await openStage({ stallMs: 150 })
  stage.upstream.next(whole(), async asked => {
    await sleep(600)
    return whole()(asked)
  })
  const { port, hostname } = new URL(stage.url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  const ask = (said: string) => {
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: said }] })
    const head = `host: localhost\r\nauthorization: Bearer sk-parley-test\r\ncontent-type: application/json`
    return `POST /v1/chat/completions HTTP/1.1\r\n${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  }
  let said = ''
  socket.on('data', bytes => {
    said += bytes
  })
  socket.write(ask('one') + ask('two'))
  expect(await until(() => said.split('HTTP/1.1 200').length === 3)).toBe(true)
})

test('a chunk that fits no answer ends it for caller and record alike', async () => {
  const stage = await openStage()
  stage.upstream.always(
    stream({
      words: ['fine'],
      instead: ({ response }) => void response.end('data: {"id":"x","choices":7}\n\ndata: [DONE]\n\n'),
    }),
  )
  const text = await (await stage.ask({ stream: false })).text()
  expect(JSON.parse(text).error).toMatchObject({ code: 'backend_failed' })
  expect(await until(() => stage.ends.length === 1 && stage.isIdle())).toBe(true)
  expect(stage.ends[0]!).toMatchObject({ status: 502, record: { errorCode: 'backend_failed' } })
})

test('the response of a stream is kept as it was told, also where it broke off', async () => {
  const stage = await openStage()
  const respond = async () => {
    stage.ends.length = 0
    const answer = await fetch(`${stage.url}/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-parley-test' },
      body: JSON.stringify({ model: 'house', stream: true, input: 'hi' }),
    })
    const said = await answer.text()
    expect(await until(() => stage.ends.length === 1 && stage.isIdle())).toBe(true)
    const deltas = [...said.matchAll(/^data: (\{"type":"response.output_text.delta".*)$/gm)].map(([, json]) => json!)
    return { said, text: deltas.map(json => JSON.parse(json).delta).join('') }
  }
  stage.upstream.always(cut('rst'))
  const broken = await respond()
  expect(broken.said).toContain('response.failed')
  expect(broken.text).toBe(saidWhole)
  expect(stage.ends[0]).toMatchObject({ isWhole: false, record: { output: saidWhole, errorCode: 'stream_cut' } })
  stage.upstream.always(whole())
  const said = await respond()
  expect(said.text).toBe(saidWhole)
  expect(stage.ends[0]).toMatchObject({ isWhole: true, record: { output: saidWhole } })
})

test('embeddings that leave together are counted and recorded for each by itself', async () => {
  const stage = await openStage()
  const held = Promise.withResolvers<void>()
  stage.upstream.next(async asked => {
    await held.promise
    return whole()(asked)
  })
  const embed = async (input: string) => {
    const answer = await fetch(`${stage.url}/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-parley-test' },
      body: JSON.stringify({ model: 'm', input }),
    })
    return (await answer.json()) as { usage: { prompt_tokens: number } }
  }
  const inputs = ['a', 'bb', 'ccc', 'dddd']
  const all = inputs.map(embed)
  await until(() => stage.upstream.hits.length === 2)
  held.resolve()
  const used = (await Promise.all(all)).map(({ usage }) => usage.prompt_tokens)
  expect(used).toEqual([1, 2, 3, 4])
  expect(stage.upstream.hits).toHaveLength(2)
  expect(await until(() => stage.ends.length === 4 && stage.isIdle())).toBe(true)
  expect(stage.takings.map(({ tokens }) => tokens).sort()).toEqual([1, 2, 3, 4])
  const recorded = stage.ends.map(({ record }) => [JSON.parse(record.input!).input, record.count!.tokensIn])
  expect(recorded.sort()).toEqual(inputs.map(input => [input, input.length]))
})

test('what is sent on is what was sent, field for field', async () => {
  const stage = await openStage()
  const body = {
    model: 'm',
    seed: 9007199254740991,
    logit_bias: { 50256: -100, 11: 1 },
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'é\u2028', cache_control: { type: 'ephemeral' } }], name: 'n' },
      { role: 'assistant', content: null, tool_calls: [], reasoning_content: 'r', prefix: true },
      { role: 'tool', content: '{}', tool_call_id: 'c', extra: [[], {}, null] },
    ],
    tools: [{ type: 'function', function: { name: 'f', parameters: { $ref: '#/x', additionalProperties: false } } }],
    response_format: { type: 'json_schema', json_schema: { name: 's', schema: { enum: [1, '1', null] } } },
    extra_body: { provider: 'inner stays' },
    stream_options: { include_obfuscation: false },
  }
  await (await stage.ask(body)).text()
  expect(stage.upstream.hits[0]!.body).toEqual({
    ...body,
    stream: true,
    stream_options: { include_obfuscation: false, include_usage: true },
  })
})

test('a caller that leaves is on record with what the service had counted so far, where it counts as it goes', async () => {
  const stage = await openStage()
  const counted = (at: number) => ({ prompt_tokens: 70, completion_tokens: 3 * at, total_tokens: 70 + 3 * at })
  stage.upstream.always(async ({ hit, response, gone }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let at = 1; !gone.aborted; at++) {
      response.write(framed({ ...piece(hit, `w${at} `), usage: counted(at) }))
      await sleep(5)
    }
  })
  const reader = await firstPiece(await stage.ask())
  await reader.read()
  await reader.cancel()
  const { record } = await expectLeft(stage, 200)
  const { tokensIn, tokensOut } = record.count!
  expect(tokensIn).toBe(70)
  expect(tokensOut % 3).toBe(0)
  expect(stage.takings[0]!.tokens).toBe(tokensIn + tokensOut)
})

test('a sender that gives up its request is on record, and reaches nobody', async () => {
  const stage = await openStage()
  const { port } = new URL(stage.url)
  for (const [path, type] of [
    ['/v1/chat/completions', 'application/json'],
    ['/v1/audio/transcriptions', 'multipart/form-data; boundary=x'],
  ]) {
    stage.ends.length = 0
    const sent = request({
      ...{ port, path, method: 'POST' },
      headers: { 'content-type': type, 'content-length': 9_000, authorization: 'Bearer sk-parley-test' },
    })
    sent.on('error', () => undefined)
    sent.write('{"model":"m"')
    await sleep(30)
    sent.destroy()
    expect(await until(() => stage.ends.length === 1)).toBe(true)
    expect(stage.ends[0]).toMatchObject({ status: 499, isWhole: false, record: { errorCode: 'cancelled' } })
  }
  expect(stage.upstream.hits).toHaveLength(0)
  expect([stage.takings, stage.isIdle()]).toEqual([[], true])
})

test('a backend that says nothing at all has not answered', async () => {
  const silent: Backend = {
    ...{ name: 'silent', models: async () => [] },
    // biome-ignore lint/correctness/useYield: that is what it is here for
    run: async function* () {
      return { usage: noUsage, servedBy: 'silent' }
    },
  }
  const server = await serveLocally(silent)
  onTestFinished(server.stop)
  for (const stream of [true, false]) {
    const answer = await fetch(`${server.url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-parley-test' },
      body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hi' }] }),
    })
    const { error } = (await answer.json()) as { error: { code: string } }
    expect([answer.status, error.code]).toEqual([502, 'backend_failed'])
  }
})

test('a response names no file of somebody else either', async () => {
  const stage = await openStage()
  const answer = await fetch(`${stage.url}/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-parley-test' },
    body: JSON.stringify({
      model: 'm',
      input: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { file_id: 'file-other' } }] }],
    }),
  })
  expect(answer.status).toBe(404)
  expect(stage.upstream.hits).toHaveLength(0)
})
