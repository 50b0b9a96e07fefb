import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend, Reply } from '../../src/core/index.ts'
import { openAiRoutes } from '../../src/http/openai-routes.ts'
import { Chunk, noUsage } from '../../src/openai/index.ts'
import { until } from '../compliance.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { dataOf, misfits } from '../schemas.ts'
import { createScripted } from '../scripted.ts'

const truth = createScripted()
let server: LocalServer

beforeAll(async () => {
  server = await serveLocally(truth)
})
afterAll(() => server.stop())

interface Asking {
  method?: string
  url?: string
  signal?: AbortSignal
}

/** Asks, and holds every answer against the published schemas. */
async function ask(body: unknown, { method = 'POST', url = `${server.url}/responses`, signal }: Asking = {}) {
  const response = await fetch(url, {
    method,
    headers: { authorization: 'Bearer sk-parley-test', 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  })
  const { status, headers } = response
  const [type, text] = [headers.get('content-type') ?? '', await response.text()]
  expect(misfits({ path: '/v1/responses', status, type, text })).toEqual([])
  return { status, type, text, events: () => dataOf(text).map(data => JSON.parse(data) as Record<string, unknown>) }
}

const typesOf = (events: readonly Record<string, unknown>[]) => events.map(({ type }) => type)

test('a stream has named events, numbered without a gap, and no end but its last event', async () => {
  const { status, type, text, events } = await ask({ model: 'say-3', input: 'hi', stream: true })
  expect([status, type]).toEqual([200, 'text/event-stream; charset=utf-8'])
  expect(events().map(({ sequence_number }) => sequence_number)).toEqual([...events().keys()])
  const names = text.split('\n').flatMap(line => (line.startsWith('event: ') ? [line.slice(7)] : []))
  expect(names).toEqual(typesOf(events()))
  expect(names.at(-1)).toBe('response.completed')
  expect(text).not.toContain('[DONE]')
  expect(events().at(-1)).toMatchObject({
    response: { usage: { input_tokens: 3, output_tokens: 3 }, output: [{ content: [{ text: 'w0 w1 w2 ' }] }] },
  })
})

test('a body holds what the stream adds up to', async () => {
  const whole = JSON.parse((await ask({ model: 'greet-2', input: 'hi' })).text)
  const streamed = (await ask({ model: 'greet-2', input: 'hi', stream: true })).events().at(-1)!.response
  const stable = (response: unknown) => JSON.stringify(response).replaceAll(/[0-9a-f]{32}/g, 'id')
  expect(stable(whole)).toBe(stable(streamed))
  expect(whole.output[0].content[0].text).toBe('grüezi 世界 👋🏽\n\n'.repeat(2))
})

test('the backend gets a chat call, with what nobody here knows', async () => {
  const asked = { model: 'say-1', input: 'hi', seed: 18_446_744_073_709_552_000, x_unknown: { deep: [1, 'two'] } }
  await ask({ ...asked, store: true, metadata: { a: 'b' } })
  const { input: _, ...rest } = asked
  expect(truth.script.lastBody).toEqual({ ...rest, messages: [{ role: 'user', content: 'hi' }] })
})

describe('a failure', () => {
  test('before the first word has its status', async () => {
    for (const stream of [true, false]) {
      const { status, text } = await ask({ model: 'absent-1', input: 'hi', stream })
      expect([status, JSON.parse(text).error.code]).toEqual([404, 'model_not_found'])
    }
  })

  test.each(['break', 'cut'])('after it (%s) is an error and a failed response, never a whole one', async verb => {
    const events = (await ask({ model: `${verb}-3`, input: 'hi', stream: true })).events()
    expect(typesOf(events).slice(-2)).toEqual(['error', 'response.failed'])
    expect(typesOf(events)).not.toContain('response.completed')
    const { status, text } = await ask({ model: `${verb}-3`, input: 'hi' })
    expect(status).toBeGreaterThanOrEqual(500)
    expect(JSON.parse(text).error.code).toBe(verb === 'cut' ? 'stream_cut' : 'overloaded')
  })

  test('that is a chunk nobody can read is the backend’s', async () => {
    const nonsense = await serveLocally(backendOf(Chunk.relayed(Buffer.from('data: {"choices": 7}\n\n'))))
    const asked = { model: 'm', input: 'hi' }
    const whole = await ask(asked, { url: `${nonsense.url}/responses` })
    const streamed = await ask({ ...asked, stream: true }, { url: `${nonsense.url}/responses` })
    await nonsense.stop()
    expect([whole.status, JSON.parse(whole.text).error.code]).toEqual([502, 'backend_failed'])
    expect(streamed.events()[0]).toMatchObject({ type: 'response.created' })
    expect(streamed.events().at(-2)).toMatchObject({ type: 'error', code: 'backend_failed' })
  })

  test.each([
    ['an empty body', '', null],
    ['no JSON', '{"model": ', null],
    ['a list', '[]', null],
    ['null', 'null', null],
    ['no model', '{"input":"hi"}', 'model'],
    ['no input', '{"model":"say-1"}', 'input'],
    ['a tool of the original', '{"model":"say-1","input":"hi","tools":[{"type":"file_search"}]}', 'tools.0.type'],
    [
      'the choice of a search',
      '{"model":"say-1","input":"hi","tools":[{"type":"web_search"}],"tool_choice":{"type":"web_search"}}',
      'tool_choice.type',
    ],
    [
      'a call required where a search is all that is offered',
      '{"model":"say-1","input":"hi","tools":[{"type":"web_search"}],"tool_choice":"required"}',
      'tool_choice',
    ],
  ])('of %s is a 400 that names its field', async (_, body, param) => {
    const { status, text } = await ask(body)
    expect(status).toBe(400)
    expect(JSON.parse(text).error).toMatchObject({ code: 'invalid_request', param })
  })
})

function backendOf(...chunks: Chunk[]): Backend {
  const run = async function* (): Reply {
    yield* chunks
    return { usage: noUsage, servedBy: 'odd' }
  }
  return { name: 'odd', models: async () => [], run }
}

test('messages between nodes never reach an app', async () => {
  const words = {
    id: 'c',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta: { content: 'a' }, finish_reason: null }],
  }
  const odd = await serveLocally(backendOf(Chunk.message('parley.receipt', { secret: 1 }), Chunk.of(words)))
  const streamed = await ask({ model: 'm', input: 'hi', stream: true }, { url: `${odd.url}/responses` })
  const whole = await ask({ model: 'm', input: 'hi' }, { url: `${odd.url}/responses` })
  await odd.stop()
  for (const { text } of [streamed, whole]) {
    expect(text).toContain('"a"')
    expect(text).not.toContain('secret')
  }
})

test.each(['mute-1', 'slow-1000'])('an app that leaves stops the work (%s)', async model => {
  const gone = new AbortController()
  const answer = ask({ model, input: 'hi', stream: true }, { signal: gone.signal }).catch(() => undefined)
  expect(await until(() => truth.script.open === 1)).toBe(true)
  gone.abort()
  await answer
  expect(await until(() => truth.script.open === 0)).toBe(true)
})

test('nothing is kept, and nothing else is there', async () => {
  const at = (path: string, method: string) => ask(undefined, { method, url: `${server.url}/responses${path}` })
  for (const [path, method] of [
    ['/resp_1', 'GET'],
    ['/resp_1', 'DELETE'],
    ['/resp_1/input_items', 'GET'],
    ['/resp_1/cancel', 'POST'],
  ] as const) {
    const { status, text } = await at(path, method)
    expect(status).toBe(404)
    expect(JSON.parse(text).error.message).toContain('not stored')
  }
  expect((await at('', 'GET')).status).toBe(405)
})

test('peers have no such route: between nodes it is a chat call', () => {
  const routes = (isPeer: boolean) => Object.keys(openAiRoutes({ isPeer } as Parameters<typeof openAiRoutes>[0]))
  expect(routes(false)).toContain('POST /v1/responses')
  expect(routes(true).filter(route => route.includes('responses'))).toEqual([])
})
