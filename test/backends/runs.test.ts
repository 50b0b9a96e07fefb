import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import { compose, createEventLog, systemClock } from '../../src/core/index.ts'
import { record } from '../../src/gateway/index.ts'
import { Chunk, chatFolder, createResponsesTeller, hiddenUsage, usageAtEnd } from '../../src/openai/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'
import { serveLocally } from '../local-server.ts'

const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
const event = (json: unknown) => `data: ${JSON.stringify(json)}\n\n`
const said = (content: string, more = {}) =>
  event({ ...head, choices: [{ index: 0, delta: { content }, finish_reason: null }], ...more })
const stop = event({ ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
const counted = { prompt_tokens: 3, completion_tokens: 50, total_tokens: 53 }
const usage = event({ ...head, choices: [], usage: counted })
const done = 'data: [DONE]\n\n'
const words = Array.from({ length: 50 }, (_, at) => `“word ${at}” `)
const burst = words.map(word => said(word)).join('')

/** Answers every call with these writes, each of which arrives as one. */
async function upstreamOf(...writes: readonly string[]): Promise<UpstreamBackend> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of writes) response.write(piece)
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  const upstream = createUpstream({ name: 'up', url, clock: systemClock, connectTimeoutMs: 5_000, maxConnections: 8 })
  onTestFinished(async () => {
    await upstream.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return upstream
}

const takesRuns = () => ({ ...contextOf({ signal: AbortSignal.timeout(10_000) }), takesRuns: true })
const bytesOf = (chunks: readonly Chunk[]) => Buffer.concat(chunks.map(({ bytes }) => bytes)).toString()
const contentOf = (chunks: readonly Chunk[]) =>
  chunks
    .flatMap(chunk => [...chunk.parts()])
    .map(part => (part.json() as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '')
    .join('')

test('events that arrive together are one chunk, and the same bytes', async () => {
  const upstream = await upstreamOf(burst + stop + usage + done)
  const { chunks, outcome } = await drain(upstream.run(chat('m'), takesRuns()))
  expect(chunks.length).toBeLessThan(20)
  expect(chunks.reduce((sum, { count }) => sum + count, 0)).toBe(52)
  expect(bytesOf(chunks)).toBe(burst + stop + usage)
  expect(contentOf(chunks)).toBe(words.join(''))
  expect(chunks.at(-1)!.meta.isLast).toBe(true)
  expect(outcome).toMatchObject({ usage: counted, finishReason: 'stop', servedBy: 'up' })
})

test('who does not take runs gets every event for itself', async () => {
  const upstream = await upstreamOf(burst + stop + usage + done)
  const { chunks } = await drain(upstream.run(chat('m'), contextOf({ signal: AbortSignal.timeout(10_000) })))
  expect(chunks.map(({ count }) => count)).toEqual(Array(52).fill(1))
})

test('what says more than words is a chunk of its own, wherever it stands', async () => {
  const odd = [
    said('x', { usage: counted }),
    event({ ...head, choices: [{ index: 0, delta: { content: 'y' }, finish_reason: 'length' }] }),
    event({ ...head, choices: [{ index: 0, delta: { content: '"error"' }, finish_reason: null }], error: null }),
  ]
  for (const one of odd) {
    const upstream = await upstreamOf(burst + one + burst + stop + done)
    const { chunks } = await drain(upstream.run(chat('m'), takesRuns()))
    expect(chunks.some(chunk => chunk.count === 1 && bytesOf([chunk]) === one)).toBe(true)
    expect(bytesOf(chunks)).toBe(burst + one + burst + stop)
  }
})

test('comments, empty events and notes among the words do not get out, and take no word with them', async () => {
  const upstream = await upstreamOf(
    `${burst}: ping\n\n\n\n${burst}${event({ status: 'queued' })}${burst}${stop}${done}`,
  )
  const { chunks } = await drain(upstream.run(chat('m'), takesRuns()))
  expect(bytesOf(chunks)).toBe(burst + burst + burst + stop)
})

test('a failure behind words comes behind them', async () => {
  const upstream = await upstreamOf(burst + event({ error: { message: 'out of memory', code: 500 } }) + burst + done)
  const heard: Chunk[] = []
  const listen = async () => {
    for await (const chunk of upstream.run(chat('m'), takesRuns())) heard.push(chunk)
  }
  await expect(listen()).rejects.toMatchObject({ name: 'ParleyError' })
  expect(contentOf(heard)).toBe(words.join(''))
})

test('a cut behind words is a cut, and a reason to finish within the last burst is an end', async () => {
  const cut = await upstreamOf(burst)
  await expect(drain(cut.run(chat('m'), takesRuns()))).rejects.toMatchObject({ code: 'stream_cut' })
  const ended = await upstreamOf(burst + stop)
  expect((await drain(ended.run(chat('m'), takesRuns()))).outcome).toMatchObject({
    finishReason: 'stop',
    usage: { completion_tokens: 51, estimated: true },
  })
})

test('events count as events in the log', async () => {
  const log = createEventLog(systemClock.now)
  const upstream = await upstreamOf(burst + stop + usage + done)
  await drain(compose([record(log, systemClock)], upstream).run(chat('m'), takesRuns()))
  expect(log.recent().at(-1)).toMatchObject({ type: 'call.ended', chunks: 52 })
})

test('an app sees every event, with and without its usage, streamed and whole', async () => {
  const server = await serveLocally(await upstreamOf(burst + stop + usage + done))
  onTestFinished(server.stop)
  const ask = async (body: object) => {
    const headers = { authorization: 'Bearer sk-parley-test', 'content-type': 'application/json' }
    const messages = [{ role: 'user', content: 'hi' }]
    const asked = { method: 'POST', headers, body: JSON.stringify({ model: 'm', messages, ...body }) }
    return await (await fetch(`${server.url}/chat/completions`, asked)).text()
  }
  expect(await ask({ stream: true })).toBe(burst + stop + done)
  const withUsage = await ask({ stream: true, stream_options: { include_usage: true } })
  const shown = withUsage.split('\n\n').filter(line => line.startsWith('data: {'))
  expect(shown).toHaveLength(52)
  expect(shown.slice(0, -1).every(line => (JSON.parse(line.slice(6)) as { usage: unknown }).usage === null)).toBe(true)
  expect(JSON.parse(await ask({}))).toMatchObject({
    choices: [{ message: { content: words.join('') }, finish_reason: 'stop' }],
    usage: counted,
  })
})

const runOf = (events: readonly string[]) => {
  let end = 0
  const ends = events.map(one => (end += Buffer.byteLength(one)))
  return Chunk.run(Buffer.from(events.join('')), ends)
}
const run = () => runOf(words.map(word => said(word)))

test('whoever reads a run reads its parts', () => {
  const folder = chatFolder()
  folder.add(run())
  expect(folder.body()).toMatchObject({ choices: [{ message: { content: words.join('') } }] })
  const whole = run()
  expect(hiddenUsage().see(whole)).toBe(whole)
  const seen = usageAtEnd().see(run())!
  expect(seen.count).toBe(50)
  expect([...seen.parts()].map(part => (part.json() as { usage: unknown }).usage)).toEqual(Array(50).fill(null))
  const events = createResponsesTeller({ model: 'm', input: [] }, 'resp_1').tell(run())
  const deltas = events.filter(({ type }) => type === 'response.output_text.delta')
  expect(deltas.map(({ data }) => (JSON.parse(data) as { delta: string }).delta)).toEqual(words)
})

test('a run of one event is that event', () => {
  const one = runOf([said('alone')])
  expect(one.count).toBe(1)
  expect([...one.parts()]).toEqual([one])
  expect(one.json()).toMatchObject({ choices: [{ delta: { content: 'alone' } }] })
})
