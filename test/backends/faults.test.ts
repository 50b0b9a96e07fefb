import { inspect } from 'node:util'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../compliance.ts'
import * as up from '../faulty-upstream.ts'
import { type Behind, startBehind, upstreamKey } from './behind.ts'

let behind: Behind
let upstream: up.FaultyUpstream
let ai: OpenAI

beforeAll(async () => {
  behind = await startBehind({ timeouts: { firstChunkMs: 1_000, idleMs: 1_000, totalMs: 10_000 } })
  ;({ upstream, ai } = behind)
})
afterAll(() => behind.stop())
afterEach(() => upstream.reset())

const secretWord = 'quokka74'
const messages = [{ role: 'user' as const, content: `about the ${secretWord}` }]
const asked = { model: 'faulty', messages }

interface Streamed {
  text: string
  chunks: OpenAI.ChatCompletionChunk[]
  failure: unknown
}

async function streamed(extra: object = {}): Promise<Streamed> {
  const seen: Streamed = { text: '', chunks: [], failure: undefined }
  try {
    for await (const chunk of await ai.chat.completions.create({ ...asked, ...extra, stream: true })) {
      seen.chunks.push(chunk)
      seen.text += chunk.choices[0]?.delta.content ?? ''
    }
  } catch (cause) {
    seen.failure = cause
  }
  return seen
}

function chat(): Promise<unknown> {
  return ai.chat.completions.create(asked)
}

function failed(answer: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  return answer.then(
    () => expect.fail('it was answered'),
    cause => cause,
  )
}

describe('an upstream that finds the request at fault', () => {
  const classes = [
    [400, OpenAI.BadRequestError],
    [404, OpenAI.NotFoundError],
    [409, OpenAI.ConflictError],
    [413, OpenAI.APIError],
    [422, OpenAI.UnprocessableEntityError],
  ] as const

  test.each(classes)('answers %i, which reaches the app as it came, once', async (status, of) => {
    upstream.always(up.refuse(status))
    const error = await failed(chat())
    expect(error).toBeInstanceOf(of)
    expect(error).toMatchObject({ status, error: up.oops(status).error })
    const inStream = (await streamed()).failure
    expect(inStream).toBeInstanceOf(of)
    expect(inStream).toMatchObject({ status, code: `oops_${status}`, param: 'messages' })
    expect(upstream.hits).toHaveLength(2)
  })

  const dialects: [what: string, body: unknown, message: string][] = [
    ['a text', { error: 'no such thing' }, 'no such thing'],
    ['a validator', { detail: [{ loc: ['body'], msg: 'bad' }] }, '[{"loc":["body"],"msg":"bad"}]'],
    ['fields at the top', { object: 'error', message: 'too hot', type: 'BadRequest', code: 40_001 }, 'too hot'],
  ]
  test.each(dialects)('may say so as %s', async (_what, body, message) => {
    upstream.next(up.refuse(422, body))
    const error = await failed(chat())
    expect(error).toMatchObject({ status: 422, error: { message } })
  })

  test('may say so without a word that can be read', async () => {
    upstream.next(up.text('text/html', `<h1>${secretWord}</h1>`, 404))
    const error = await failed(chat())
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    expect(error).toMatchObject({ code: 'model_not_found', message: expect.not.stringContaining(secretWord) })
  })

  test('may say so in an event, or in JSON with a status of 200', async () => {
    const { error } = up.oops(400)
    upstream.next(up.failInStream(error, []), up.json(200, { error }), up.json(200, { error }))
    for (const answer of [chat(), chat()]) await expect(answer).rejects.toMatchObject({ status: 400, error })
    await expect(ai.embeddings.create({ model: 'faulty', input: 'x' })).rejects.toMatchObject({ status: 400, error })
  })

  test('may say so behind words that it said, in chats and responses', async () => {
    upstream.always(up.failInStream(up.oops(400).error))
    const { text, failure } = await streamed()
    expect(text).toBe(up.saidWhole)
    expect(failure).toMatchObject({ code: 'oops_400' })
    const responses = await ai.responses.create({ model: 'faulty', input: 'hi', stream: true })
    await expect(Array.fromAsync(responses)).rejects.toThrow('the upstream says 400')
  })

  test('is heard by the app alone, and without its key', async () => {
    const printed: string[] = []
    const unsubscribe = behind.log.subscribe(event => printed.push(inspect(event, { depth: 9 })))
    upstream.next(up.echo(400), up.echo(422), up.echo(500))
    const error = await failed(chat())
    expect(error.message).toContain(secretWord)
    expect(error.message).toContain('key Bearer [redacted]')
    expect(JSON.stringify(error.error)).not.toContain(upstreamKey)
    await streamed()
    expect(String(await failed(chat()))).not.toContain(secretWord)
    unsubscribe()
    expect(printed.join()).toContain('call.failed')
    expect(printed.join() + inspect(behind.errors, { showHidden: true, depth: 9 })).not.toMatch(/quokka74|5up3r53cr37/)
  })
})

describe('an upstream that fails', () => {
  test.each([401, 402, 403])('with %i leaves the app no doubt about its own key', async status => {
    upstream.next(up.echo(status))
    const error = await failed(chat())
    expect(error).not.toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error).toBeInstanceOf(OpenAI.InternalServerError)
    expect(error).toMatchObject({ status: 502, code: 'backend_refused' })
    expect(error.message).toMatch(/refuses this node, not its caller/)
    expect(error.message).not.toContain(secretWord)
  })

  const waits: [header: Record<string, string>, seconds: string | null][] = [
    [{ 'retry-after': '7' }, '7'],
    [{ 'retry-after-ms': '1500' }, '2'],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:09 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' }, '9'],
    [{ 'retry-after': 'tomorrow' }, null],
    [{}, null],
  ]
  test.each(waits)('with 429 and %o is a rate limit', async (headers, seconds) => {
    upstream.next(up.refuse(429, up.oops(429), headers))
    const error = await failed(chat())
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    expect(error).toMatchObject({ status: 429, code: 'rate_limited' })
    expect(error.headers?.get('retry-after')).toBe(seconds)
  })

  test('for want of money refuses this node', async () => {
    upstream.next(up.refuse(429, { error: { message: 'pay', code: 'insufficient_quota' } }))
    await expect(chat()).rejects.toMatchObject({ status: 502, code: 'backend_refused' })
  })

  test.each([
    [408, 504, 'timeout'],
    [500, 502, 'backend_failed'],
    [502, 502, 'backend_failed'],
    [503, 503, 'overloaded'],
    [504, 504, 'timeout'],
    [529, 503, 'overloaded'],
  ])('with %i is %i %s', async (status, shown, code) => {
    upstream.next(up.echo(status))
    const error = await failed(chat())
    expect(error).toBeInstanceOf(OpenAI.InternalServerError)
    expect(error).toMatchObject({ status: shown, code })
    expect(error.message).not.toContain(secretWord)
  })

  test.each(['rst', 'fin'] as const)('before its headers by %s is not reached', async how => {
    upstream.next(up.cut(how, 'headers'))
    await expect(chat()).rejects.toMatchObject({ status: 502, code: 'backend_failed' })
  })

  test.each(['headers', 'first'] as const)('by hanging at its %s is timed out and let go', async at => {
    upstream.next(up.hang(at))
    await expect(chat()).rejects.toMatchObject({ status: 504, code: 'timeout' })
    expect(await until(() => upstream.hits[0]!.leftAt !== undefined)).toBe(true)
  })

  const nonsense: [what: string, answer: up.Answer][] = [
    ['a page', up.text('text/html', '<h1>Welcome</h1>')],
    ['bytes', up.text('application/octet-stream', 'data: {}')],
    ['half of a body', up.text('application/json', '{"choices": [')],
    ['a body that is no answer', up.json(200, { object: 'list', data: [] })],
    ['an empty stream', up.stream({ words: [], finish: null, usage: 'missing' })],
    ['an error event', up.failInStream(undefined, [])],
  ]
  test.each(nonsense)('by answering %s is not taken for an answer', async (_what, answer) => {
    upstream.always(answer)
    await expect(chat()).rejects.toMatchObject({ status: 502, code: 'backend_failed' })
    const { chunks, failure } = await streamed()
    expect(chunks).toEqual([])
    expect(failure).toMatchObject({ status: 502 })
  })
})

describe('a stream that breaks', () => {
  const ends: [what: string, answer: up.Answer, code: string][] = [
    ['is reset', up.cut('rst'), 'stream_cut'],
    ['is closed', up.cut('fin'), 'stream_cut'],
    ['falls silent', up.hang('middle'), 'timeout'],
    ['ends without a terminal marker', up.stream({ finish: null, usage: 'missing', isDone: false }), 'stream_cut'],
    ['ends with usage and no terminal marker', up.stream({ finish: null, isDone: false }), 'stream_cut'],
    ['has an error event', up.failInStream(), 'backend_failed'],
    [
      'has a chunk with an error in it',
      up.slip('data: {"id":"x","choices":[],"error":{"code":500}}\n\n'),
      'backend_failed',
    ],
    ['has half a chunk', up.slip('data: {"choices":[{"delta":{"content":"x\n\n'), 'backend_failed'],
    ['has a chunk that is no JSON', up.slip('data: {nonsense}\n\n'), 'backend_failed'],
    ['has a chunk of words', up.slip('data: words\n\n'), 'backend_failed'],
    ['has a chunk that never ends', up.slip(`data: {"x":"${'x'.repeat(17 << 20)}`), 'backend_failed'],
    ['ends for an error', up.stream({ finish: 'error' }), 'backend_failed'],
  ]
  test.each(ends)('%s: the app is told behind the words', async (_what, answer, code) => {
    upstream.always(answer)
    const { text, failure } = await streamed()
    expect(text).toBe(up.saidWhole)
    expect(failure).toBeInstanceOf(OpenAI.APIError)
    expect(failure).toMatchObject({ code })
    await expect(chat()).rejects.toMatchObject({ code })
  })
})

describe('a stream that is well', () => {
  test('of several answers, one that ended does not end the stream', async () => {
    upstream.always(up.stream({ usage: 'missing', isDone: false }))
    expect((await streamed({ n: 2 })).failure).toMatchObject({ code: 'stream_cut' })
    upstream.always(up.stream())
    expect((await streamed({ n: 2 })).failure).toBeUndefined()
  })

  const fine: [what: string, options: up.StreamOptions][] = [
    ['has CRLF line ends', { lineEnd: '\r\n' }],
    ['comes byte by byte, characters and events split', { packetBytes: 1, words: ['ü', '世界', '👋🏽'] }],
    ['drips', { dripMs: 20 }],
    ['has no end mark', { isDone: false }],
    ['has no reason to finish', { finish: null }],
    ['has its usage on the last word', { usage: 'last' }],
  ]
  test.each(fine)('%s: it is the same to the app', async (_what, options) => {
    upstream.always(up.stream(options))
    const { text, chunks, failure } = await streamed({ stream_options: { include_usage: true } })
    expect(failure).toBeUndefined()
    expect(text).toBe((options.words ?? up.words).join(''))
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: up.usage })
    expect(chunks.filter(({ usage }) => usage != null)).toHaveLength(1)
    expect((await streamed()).chunks.filter(({ usage }) => usage != null)).toEqual([])
  })

  test('has no usage: what is told is marked as a guess', async () => {
    upstream.next(up.stream({ usage: 'missing' }))
    const { chunks } = await streamed({ stream_options: { include_usage: true } })
    expect(chunks.at(-1)!.usage).toMatchObject({ completion_tokens: up.words.length + 1, estimated: true })
  })

  test('has names on its events: they are not for the app, the words are', async () => {
    const event = `event: message\n${up.framed({ choices: [{ index: 0, delta: { content: '!' }, finish_reason: null }] })}`
    upstream.next(up.slip(`event: ping\ndata: {"type":"ping"}\n\n: comment\n\n${event}`))
    expect(await streamed()).toMatchObject({ text: `${up.saidWhole}!`, failure: undefined })
  })

  test('comes as one body: words, reason and usage are those of the body', async () => {
    const toolCall = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }
    const message = { role: 'assistant', content: 'grüezi', reasoning: 'hm', tool_calls: [toolCall] }
    const choice = { index: 0, message, finish_reason: 'tool_calls' }
    const body = { id: 'b', object: 'chat.completion', created: 1, model: 'faulty', choices: [choice], usage: up.usage }
    upstream.always(up.json(200, body))
    expect(await chat()).toMatchObject({ choices: [{ message, finish_reason: 'tool_calls' }], usage: up.usage })
    const stream = ai.chat.completions.stream({ ...asked, stream_options: { include_usage: true } })
    const final = await stream.finalChatCompletion()
    expect(final).toMatchObject({ choices: [{ message: { content: 'grüezi' }, finish_reason: 'tool_calls' }] })
    expect(final.choices[0]!.message.tool_calls).toMatchObject([toolCall])
    expect(final.usage).toMatchObject(up.usage)
  })

  test('comes as one body for a completion', async () => {
    upstream.next(asked => up.json(200, up.wholeBody(asked.hit))(asked))
    const whole = await ai.completions.create({ model: 'faulty', prompt: 'x' })
    expect(whole).toMatchObject({ choices: [{ text: up.saidWhole, finish_reason: 'stop' }], usage: up.usage })
  })
})

describe('an app that leaves', () => {
  test.each(['headers', 'first', 'middle'] as const)('closes the upstream at once when that hangs at %s', async at => {
    upstream.next(up.hang(at))
    const gone = new AbortController()
    const answer = ai.chat.completions
      .create({ ...asked, stream: true }, { signal: gone.signal })
      .then(async stream => await Array.fromAsync(stream))
    answer.catch(() => {})
    expect(await until(() => upstream.hits.length === 1)).toBe(true)
    const leftAt = performance.now()
    gone.abort()
    expect(await until(() => upstream.hits[0]!.leftAt !== undefined)).toBe(true)
    expect(upstream.hits[0]!.leftAt! - leftAt).toBeLessThan(300)
  })
})

test('200 calls after one another take few connections', async () => {
  const before = upstream.sockets()
  for (let i = 0; i < 100; i++) {
    await chat()
    await streamed()
  }
  expect(upstream.hits).toHaveLength(200)
  expect(upstream.sockets() - before).toBeLessThanOrEqual(4)
})
