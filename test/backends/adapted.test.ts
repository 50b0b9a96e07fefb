import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type AdaptedOptions, createAdapted, type ServiceKind } from '../../src/backends/index.ts'
import type { Context } from '../../src/core/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { chatFolder, EmbeddingResponse, usageOf } from '../../src/openai/index.ts'
import { chat, contextOf, drain, until } from '../compliance.ts'
import { frame, type Piece } from './dialects.ts'
import { type Asked, secret, startService } from './service.ts'

const kinds: readonly ServiceKind[] = ['anthropic', 'google', 'mistral', 'cohere', 'bedrock', 'azure']
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function service(
  kind: ServiceKind,
  answer: (asked: Asked) => Promise<void> | void,
  options: Partial<AdaptedOptions> = {},
) {
  const started = await startService(kind, answer, options)
  stops.push(started.stop)
  return {
    ...started,
    ask: (body: Record<string, unknown> = {}, extra: Partial<Context> = {}) =>
      started.backend.run(chat('m', body), contextOf(extra)),
  }
}

const start: Piece = { type: 'start', promptTokens: 9 }
const end = (reason: 'stop' | 'length' | 'tool_calls' | 'content_filter' = 'stop'): Piece => ({
  type: 'end',
  reason,
  usage: usageOf(9, 4),
  cached: 6,
})

async function foldOf(reply: ReturnType<Awaited<ReturnType<typeof service>>['ask']>) {
  const { chunks, outcome } = await drain(reply)
  const folder = chatFolder()
  for (const chunk of chunks) folder.add(chunk)
  const body = folder.body(outcome.usage) as {
    choices: { message: Record<string, unknown>; finish_reason: string }[]
    usage: unknown
  }
  return { chunks, outcome, message: body.choices[0]!.message, finish: body.choices[0]!.finish_reason }
}

describe.each(kinds)('an answer by %s', kind => {
  test('has its words, its counts and its end', async () => {
    const { ask } = await service(kind, async ({ say, response }) => {
      await say(start, { type: 'text', text: 'grüezi ' }, { type: 'text', text: '世界' }, end())
      response.end()
    })
    const { chunks, outcome, message, finish } = await foldOf(ask())
    expect(message).toMatchObject({ role: 'assistant', content: 'grüezi 世界' })
    expect(finish).toBe('stop')
    expect(outcome).toMatchObject({ servedBy: 'far', finishReason: 'stop' })
    expect(outcome.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 })
    expect(outcome.usage.prompt_tokens_details).toEqual({ cached_tokens: 6 })
    expect(chunks.at(-1)!.json()).toMatchObject({ model: 'm', choices: [], usage: { total_tokens: 13 } })
    expect(chunks.map(({ meta }) => meta.isLast ?? false).indexOf(true)).toBe(chunks.length - 1)
  })

  test('has tool calls, each with its index and its arguments once', async () => {
    const { ask } = await service(kind, async ({ say, response }) => {
      const calls: Piece[] = [
        { type: 'call', id: 'call00001', name: 'weather', args: '{"city":"Bern"}' },
        { type: 'call', id: 'call00002', name: 'time', args: '{}' },
      ]
      await say(start, ...calls, end('tool_calls'))
      response.end()
    })
    const { message, finish } = await foldOf(ask())
    expect(finish).toBe('tool_calls')
    expect(message.tool_calls).toMatchObject([
      { type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
      { type: 'function', function: { name: 'time', arguments: '{}' } },
    ])
    const ids = (message.tool_calls as { id: string }[]).map(({ id }) => id)
    expect(new Set(ids).size).toBe(2)
  })

  test('is asked for again on the connection it came on', async () => {
    const { ask, accepted } = await service(kind, async ({ say, response }) => {
      await say(start, { type: 'text', text: 'hi' }, end())
      response.end()
    })
    for (let i = 0; i < 10; i++) await drain(ask())
    expect(accepted()).toBeLessThanOrEqual(2)
  })

  test('that is cut after its first words is never whole, however it was cut', async () => {
    let isClean = false
    const { ask } = await service(kind, async ({ say, response }) => {
      await say(start, { type: 'text', text: 'half a ' })
      if (isClean) response.end()
      else setTimeout(() => response.destroy(), 20)
    })
    await expect(drain(ask())).rejects.toMatchObject({ name: 'ParleyError', code: 'stream_cut' })
    isClean = true
    await expect(drain(ask())).rejects.toMatchObject({ name: 'ParleyError', code: 'stream_cut' })
  })

  test('that never begins is a cut one too', async () => {
    const { ask } = await service(kind, ({ response, dialect }) => {
      response.writeHead(200, { 'content-type': dialect.streamType }).end()
    })
    await expect(drain(ask())).rejects.toMatchObject({ name: 'ParleyError', mayRetry: true })
  })

  test('is broken off as soon as nobody waits for it, before its head, its first word and its last', async () => {
    let silentFor = 0
    let gone = 0
    const { ask } = await service(kind, async ({ say, gone: left }) => {
      left.addEventListener('abort', () => gone++)
      if (silentFor === 0) return
      await say(start)
      if (silentFor === 2) await say({ type: 'text', text: 'hi' })
    })
    for (silentFor = 0; silentFor < 3; silentFor++) {
      const caller = new AbortController()
      const answer = drain(ask({}, { signal: caller.signal }))
      const refused = answer.catch(cause => cause)
      await new Promise(resolve => setTimeout(resolve, 60))
      caller.abort()
      const error = await refused
      expect(error).toMatchObject({ name: 'ParleyError', code: 'cancelled' })
      expect(error.cause).not.toHaveProperty('requestBodyValues')
      const times = silentFor + 1
      expect(await until(() => gone === times, 2_000)).toBe(true)
    }
  })

  const refusals: [status: number, code: string][] = [
    [400, 'invalid_request'],
    [401, 'backend_refused'],
    [403, 'backend_refused'],
    [404, 'model_not_found'],
    [413, 'too_large'],
    [429, 'rate_limited'],
    [500, 'backend_failed'],
    [503, 'overloaded'],
    [301, 'backend_failed'],
  ]
  test.each(refusals)('refused with %i is %s, asked for once, and quotes nobody', async (status, code) => {
    const { ask, requests } = await service(kind, ({ json, dialect }) =>
      json(status, dialect.error(status, `no ${secret} and no PROMPT`), { 'retry-after': '7', location: '/else' }),
    )
    const error = await drain(ask({ messages: [{ role: 'user', content: 'PROMPT' }] })).catch(cause => cause)
    expect(error).toMatchObject({ name: 'ParleyError', code, retryAfterSeconds: 7 })
    expect(requests).toHaveLength(1)
    expect(`${error.message} ${JSON.stringify(error.toBody())}`).not.toMatch(/PROMPT|sk-far/)
    expect(JSON.stringify(error.passOn ?? {})).not.toContain(secret)
    expect(error.cause).toBeUndefined()
  })

  test('is unreachable when nobody listens', async () => {
    const closed = createServer()
    await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as { port: number }
    await new Promise(resolve => closed.close(resolve))
    const { ask } = await service(kind, () => {}, { url: `http://127.0.0.1:${port}` })
    await expect(drain(ask())).rejects.toMatchObject({
      code: 'backend_failed',
      message: 'cannot reach far (ECONNREFUSED)',
    })
  })
})

test('an answer whose head is late is given up, however long its words may take', async () => {
  let isLate = true
  const answer = async ({ say, response }: Asked) => {
    if (isLate) return
    await say(start)
    await new Promise(resolve => setTimeout(resolve, 1_500))
    await say({ type: 'text', text: 'hi' }, end())
    response.end()
  }
  const { ask } = await service('anthropic', answer, { headersMs: 500 })
  await expect(drain(ask())).rejects.toMatchObject({ code: 'timeout' })
  isLate = false
  expect((await foldOf(ask())).message.content).toBe('hi')
})

describe.each(['anthropic', 'google', 'mistral', 'cohere', 'bedrock'] as const)('the thoughts of %s', kind => {
  test('are reasoning_content, and not part of the answer', async () => {
    const { ask } = await service(kind, async ({ say, response }) => {
      await say(
        start,
        { type: 'thought', text: 'hm ' },
        { type: 'thought', text: 'yes' },
        { type: 'text', text: 'Yes.' },
      )
      await say(end())
      response.end()
    })
    const { message } = await foldOf(ask({ reasoning_effort: 'low' }))
    expect(message).toMatchObject({ role: 'assistant', reasoning_content: 'hm yes', content: 'Yes.' })
  })
})

test.each<[ServiceKind, 'length' | 'content_filter']>([
  ...kinds.map((kind): [ServiceKind, 'length'] => [kind, 'length']),
  ['anthropic', 'content_filter'],
  ['google', 'content_filter'],
  ['bedrock', 'content_filter'],
  ['azure', 'content_filter'],
])('an answer by %s that ended by %s says so', async (kind, reason) => {
  const { ask } = await service(kind, async ({ say, response }) => {
    await say(start, { type: 'text', text: 'half' }, end(reason))
    response.end()
  })
  expect((await foldOf(ask())).finish).toBe(reason)
})

test('an answer that nobody counted is counted by its pieces, and marked as a guess', async () => {
  const { ask } = await service('mistral', async ({ response, dialect }) => {
    const chunk = (content: string, finish_reason: string | null) =>
      `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`
    response.writeHead(200, { 'content-type': dialect.streamType })
    response.end(chunk('a', null) + chunk('b', null) + chunk('', 'stop'))
  })
  const { outcome } = await foldOf(ask())
  expect(outcome.usage).toMatchObject({ prompt_tokens: 0, completion_tokens: 2, total_tokens: 2, estimated: true })
})

test('an answer that its model gave up is a failure', async () => {
  const { ask } = await service('cohere', async ({ say, response }) => {
    await say(start, { type: 'text', text: 'half' }, end('content_filter'))
    response.end()
  })
  await expect(drain(ask())).rejects.toMatchObject({ code: 'model_failed' })
})

describe('an error inside a stream', () => {
  test('has the class of its status while nothing was said, and of a failure afterwards', async () => {
    let isLate = false
    const { ask } = await service('anthropic', async ({ say, response, dialect }) => {
      if (isLate) await say(start, { type: 'text', text: 'half a ' })
      if (!response.headersSent) response.writeHead(200, { 'content-type': dialect.streamType })
      const error = { type: 'error', error: { type: 'overloaded_error', message: 'PROMPT' } }
      response.end(`event: error\ndata: ${JSON.stringify(error)}\n\n`)
    })
    await expect(drain(ask())).rejects.toMatchObject({ code: 'overloaded' })
    isLate = true
    await expect(drain(ask())).rejects.toMatchObject({
      code: 'backend_failed',
      message: 'far reported an error in the middle of its answer',
    })
  })

  test('is told by exceptions of Bedrock', async () => {
    const { ask } = await service('bedrock', ({ response, dialect }) => {
      response.writeHead(200, { 'content-type': dialect.streamType })
      response.end(frame('throttlingException', { message: 'PROMPT' }, true))
    })
    await expect(drain(ask())).rejects.toMatchObject({ code: 'rate_limited' })
  })

  test('and events that cannot be read are failures', async () => {
    const { ask } = await service('google', ({ response, dialect }) => {
      response.writeHead(200, { 'content-type': dialect.streamType }).end('data: {"candidates": "PROMPT"\n\n')
    })
    const error = await drain(ask()).catch(cause => cause)
    expect(error).toMatchObject({ code: 'backend_failed' })
    expect(error.message).not.toContain('PROMPT')
  })
})

test.each<[ServiceKind, string]>([
  ['anthropic', 'prompt is too long: 210000 tokens > 200000 maximum'],
  ['google', 'The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).'],
  ['bedrock', 'Input is too long for requested model.'],
  ['mistral', 'Prompt contains 40000 tokens, too many tokens for the model'],
])('%s says in its own words that a prompt does not fit', async (kind, words) => {
  const { ask } = await service(kind, ({ json, dialect }) => json(400, dialect.error(400, words)))
  await expect(drain(ask())).rejects.toMatchObject({ code: 'context_length_exceeded', passOn: { status: 400 } })
})

test('a wrong key is not the fault of the caller when Google calls it a bad request', async () => {
  const error = { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT', details: ['API_KEY_INVALID'] }
  const { ask } = await service('google', ({ json }) => json(400, { error }))
  await expect(drain(ask())).rejects.toMatchObject({ code: 'backend_refused' })
})

describe('embeddings', () => {
  const embed = (input: string | string[], more = {}) => ({
    task: 'embedding' as const,
    body: { model: 'm', input, ...more },
  })

  test.each(['google', 'mistral', 'cohere', 'bedrock', 'azure'] as const)(
    'of %s come as floats or base64',
    async kind => {
      const { backend } = await service(kind, ({ json, dialect }) => json(200, dialect.embedding([0.5, -1], 3)))
      const plain = await drain(backend.run(embed('hi'), contextOf()))
      expect(EmbeddingResponse.parse(plain.chunks[0]!.json()).data[0]!.embedding).toEqual([0.5, -1])
      expect(plain.outcome.usage).toMatchObject({ prompt_tokens: 3, total_tokens: 3 })
      const coded = await drain(backend.run(embed('hi', { encoding_format: 'base64' }), contextOf()))
      const { embedding } = EmbeddingResponse.parse(coded.chunks[0]!.json()).data[0]!
      expect([...new Float32Array(new Uint8Array(Buffer.from(String(embedding), 'base64')).buffer)]).toEqual([0.5, -1])
    },
  )

  test('of many texts are asked for in as many requests as the service needs, and stay in order', async () => {
    const { backend, requests } = await service('bedrock', ({ request, json }) =>
      json(200, { embedding: [Number(request.body.inputText)], inputTextTokenCount: 2 }),
    )
    const texts = Array.from({ length: 20 }, (_, index) => String(index))
    const { chunks, outcome } = await drain(backend.run(embed(texts), contextOf()))
    const { data } = EmbeddingResponse.parse(chunks[0]!.json())
    expect(data.map(({ embedding }) => (embedding as number[])[0])).toEqual(texts.map(Number))
    expect(data.map(({ index }) => index)).toEqual(texts.map(Number))
    expect(outcome.usage.prompt_tokens).toBe(40)
    expect(requests).toHaveLength(20)
  })

  test('are counted by length where the service does not count, and marked as a guess', async () => {
    const { backend } = await service('google', ({ json }) => json(200, { embedding: { values: [1] } }))
    const { outcome } = await drain(backend.run(embed('a text of 21 letters.'), contextOf()))
    expect(outcome.usage).toMatchObject({ prompt_tokens: 6, estimated: true })
  })

  test('end with their caller', async () => {
    let gone = 0
    const { backend } = await service('cohere', ({ gone: left }) => left.addEventListener('abort', () => gone++))
    const caller = new AbortController()
    const answer = expect(drain(backend.run(embed('hi'), contextOf({ signal: caller.signal })))).rejects.toMatchObject({
      code: 'cancelled',
    })
    await new Promise(resolve => setTimeout(resolve, 60))
    caller.abort()
    await answer
    expect(await until(() => gone === 1, 2_000)).toBe(true)
  })

  test('that are no JSON are a failure', async () => {
    const { backend } = await service('mistral', ({ response }) => void response.writeHead(200).end('<html>PROMPT'))
    const error = await drain(backend.run(embed('hi'), contextOf())).catch(cause => cause)
    expect(error).toMatchObject({ code: 'backend_failed' })
    expect(error.message).not.toContain('PROMPT')
  })
})

describe('the models', () => {
  test.each<[ServiceKind, string, Record<string, unknown>]>([
    ['anthropic', '/v1/models?limit=1000', { created: 1_739_923_200 }],
    ['google', '/v1beta/models?pageSize=1000', { context_length: 8_192 }],
    ['mistral', '/v1/models', { created: 1 }],
    ['cohere', '/v1/models?page_size=1000', { context_length: 4_096, capabilities: ['chat'] }],
  ])('of %s are asked for at %s', async (kind, path, facts) => {
    const { backend, requests } = await service(kind, ({ json, dialect }) => json(200, dialect.models?.(['a', 'b'])))
    const models = await backend.models(AbortSignal.timeout(5_000))
    expect(models).toMatchObject([
      { id: 'a', object: 'model', owned_by: 'far', ...facts },
      { id: 'b', object: 'model', owned_by: 'far', ...facts },
    ])
    expect(requests[0]!.path).toBe(path)
    expect(JSON.stringify(requests[0]!.headers)).toContain(secret)
  })

  test('are those configured, whether listed or not', async () => {
    const { backend } = await service('google', ({ json, dialect }) => json(200, dialect.models?.(['a', 'b'])), {
      models: ['a', 'short-name'],
    })
    const models = await backend.models(AbortSignal.timeout(5_000))
    expect(models).toMatchObject([{ id: 'a', context_length: 8_192 }, { id: 'short-name' }])
  })

  test('are those configured behind a proxy without a list, and unknown when the key is refused', async () => {
    let status = 404
    const answer = ({ json }: Asked) => json(status, {})
    const { backend } = await service('cohere', answer, { models: ['a'] })
    expect(await backend.models(AbortSignal.timeout(5_000))).toMatchObject([{ id: 'a' }])
    status = 401
    const other = await service('cohere', answer, { models: ['a'] })
    await expect(other.backend.models(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'backend_refused' })
  })
})

describe('a service that cannot be set up', () => {
  const bounds = { name: 'far', clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 1 }

  test.each<[string, Partial<AdaptedOptions> & { kind: ServiceKind }, RegExp]>([
    ['has no models', { kind: 'azure', url: 'http://127.0.0.1:1' }, /far cannot be asked for its models/],
    ['has no region', { kind: 'bedrock', models: ['m'] }, /far has no region/],
    ['has no resource', { kind: 'azure', models: ['m'] }, /far has no resource/],
    ['has no address', { kind: 'google', url: 'ftp://nowhere' }, /the url of upstream far is not http/],
  ])('%s', (_what, options, message) => {
    expect(() => createAdapted({ ...bounds, ...options })).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) }),
    )
  })
})
