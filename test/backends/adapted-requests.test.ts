import { afterEach, describe, expect, test } from 'vitest'
import type { AdaptedOptions, ServiceKind } from '../../src/backends/index.ts'
import { usageOf } from '../../src/openai/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'
import { type Request, secret, startService } from './service.ts'

const kinds: readonly ServiceKind[] = ['anthropic', 'google', 'mistral', 'cohere', 'bedrock', 'azure']
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function quietService(kind: ServiceKind, options: Partial<AdaptedOptions> = {}) {
  const service = await startService(
    kind,
    async ({ say, response }) => {
      await say({ type: 'start', promptTokens: 1 }, { type: 'text', text: 'ok' })
      await say({ type: 'end', reason: 'stop', usage: usageOf(1, 1) })
      response.end()
    },
    options,
  )
  stops.push(service.stop)
  return service
}

/** The request a service gets for a chat. */
async function sent(kind: ServiceKind, body: Record<string, unknown>, model = 'm', options = {}): Promise<Request> {
  const { backend, requests } = await quietService(kind, options)
  await drain(backend.run(chat(model, body), contextOf()))
  return requests[0]!
}

async function refused(kind: ServiceKind, body: Record<string, unknown>) {
  const { backend, requests } = await quietService(kind)
  const error = await drain(backend.run(chat('m', body), contextOf())).catch(cause => cause)
  expect(requests).toHaveLength(0)
  return error
}

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const weather = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'Tells the weather.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}
const callOf = (id: string, city: string) => ({
  id,
  type: 'function',
  function: { name: 'weather', arguments: JSON.stringify({ city }) },
})
const dialogue = [
  { role: 'system', content: 'Be short.' },
  { role: 'user', content: [{ type: 'text', text: 'Bern and Rome?' }] },
  { role: 'assistant', content: null, tool_calls: [callOf('call00001', 'Bern'), callOf('call00002', 'Rome')] },
  { role: 'tool', tool_call_id: 'call00001', content: 'snow' },
  { role: 'tool', tool_call_id: 'call00002', content: [{ type: 'text', text: 'sun' }] },
]

describe('a turn with tools', () => {
  const ask = (kind: ServiceKind) => sent(kind, { messages: dialogue, tools: [weather], tool_choice: 'required' })

  test('for Anthropic', async () => {
    const { path, headers, body } = await ask('anthropic')
    expect([path, headers['x-api-key']]).toEqual(['/v1/messages', secret])
    expect(body).toMatchObject({
      model: 'm',
      stream: true,
      system: [{ type: 'text', text: 'Be short.' }],
      tools: [{ name: 'weather', description: 'Tells the weather.', input_schema: { required: ['city'] } }],
      tool_choice: { type: 'any' },
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Bern and Rome?' }] },
        {
          role: 'assistant',
          content: [
            { type: 'tool_use', id: 'call00001', name: 'weather', input: { city: 'Bern' } },
            { type: 'tool_use', id: 'call00002', name: 'weather', input: { city: 'Rome' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'call00001', content: 'snow' },
            { type: 'tool_result', tool_use_id: 'call00002', content: 'sun' },
          ],
        },
      ],
    })
  })

  test('for Google', async () => {
    const { path, headers, body } = await ask('google')
    expect([path, headers['x-goog-api-key']]).toEqual(['/v1beta/models/m:streamGenerateContent?alt=sse', secret])
    expect(body).toMatchObject({
      systemInstruction: { parts: [{ text: 'Be short.' }] },
      tools: [{ functionDeclarations: [{ name: 'weather', description: 'Tells the weather.' }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY' } },
    })
    expect(body.contents).toMatchObject([
      { role: 'user', parts: [{ text: 'Bern and Rome?' }] },
      { role: 'model', parts: [{ functionCall: { args: { city: 'Bern' } } }, { functionCall: { name: 'weather' } }] },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'weather', response: { content: 'snow' } } },
          { functionResponse: { name: 'weather', response: { content: 'sun' } } },
        ],
      },
    ])
  })

  test.each(['mistral', 'cohere', 'azure'] as const)('for %s', async kind => {
    const paths = { mistral: '/v1/chat/completions', cohere: '/v2/chat', azure: '/openai/v1/chat/completions' }
    const { path, headers, body } = await ask(kind)
    expect(path).toBe(paths[kind])
    expect(headers[kind === 'azure' ? 'api-key' : 'authorization']).toContain(secret)
    expect(body).toMatchObject({ model: 'm', stream: true, tools: [weather] })
    expect(body.tool_choice).toBe({ mistral: 'any', cohere: 'REQUIRED', azure: 'required' }[kind])
    const messages = body.messages as Record<string, unknown>[]
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'tool'])
    expect(messages[2]!.tool_calls).toMatchObject([{ id: 'call00001' }, { id: 'call00002' }])
    expect(messages.slice(3)).toMatchObject([{ tool_call_id: 'call00001' }, { tool_call_id: 'call00002' }])
  })

  test('for Bedrock, with a key or signed with those of an account', async () => {
    const { path, headers, body } = await ask('bedrock')
    expect([path, headers.authorization]).toEqual(['/model/m/converse-stream', `Bearer ${secret}`])
    expect(body).toMatchObject({
      system: [{ text: 'Be short.' }],
      toolConfig: { tools: [{ toolSpec: { name: 'weather' } }], toolChoice: { any: {} } },
    })
    const results = (body.messages as { content: unknown[] }[]).at(-1)!.content
    expect(results).toMatchObject([
      { toolResult: { toolUseId: 'call00001', content: [{ text: 'snow' }] } },
      { toolResult: { toolUseId: 'call00002', content: [{ text: 'sun' }] } },
    ])
    const aws = { accessKeyId: 'AKIA0123456789', secretAccessKey: 'very-secret-key', sessionToken: 'token-of-session' }
    const account = { apiKey: undefined, region: 'eu-central-1', aws }
    const signed = await sent('bedrock', {}, 'anthropic.claude-x:0', account)
    expect(signed.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIA0123456789\/\d{8}\/eu-central-1\/bedrock\/aws4_request/,
    )
    expect(signed.headers['x-amz-security-token']).toBe('token-of-session')
    expect(signed.path).toBe('/model/anthropic.claude-x%3A0/converse-stream')
  })
})

describe('a picture', () => {
  const look = (url: string) => ({
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'what is it' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ],
  })
  const inline = look(`data:image/png;base64,${pixel}`)
  const far = look('https://example.com/a/cat.webp?x=1')
  const partOf = (body: Record<string, unknown>, field = 'content') =>
    ((body.messages ?? body.contents) as Record<string, unknown[]>[])[0]![field]![1]

  test('goes along to each service in its own form', async () => {
    expect(partOf((await sent('anthropic', inline)).body)).toEqual({
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: pixel },
    })
    expect(partOf((await sent('google', inline)).body, 'parts')).toEqual({
      inlineData: { mimeType: 'image/png', data: pixel },
    })
    expect(partOf((await sent('bedrock', inline)).body)).toEqual({
      image: { format: 'png', source: { bytes: pixel } },
    })
    const url = `data:image/png;base64,${pixel}`
    expect(partOf((await sent('mistral', inline)).body)).toEqual({ type: 'image_url', image_url: url })
    for (const kind of ['cohere', 'azure'] as const) {
      expect(partOf((await sent(kind, inline)).body)).toMatchObject({ type: 'image_url', image_url: { url } })
    }
  })

  test('is named by its URL to those who fetch it themselves, and refused where nobody does', async () => {
    const url = 'https://example.com/a/cat.webp?x=1'
    expect(partOf((await sent('anthropic', far)).body)).toEqual({ type: 'image', source: { type: 'url', url } })
    expect(partOf((await sent('google', far)).body, 'parts')).toEqual({
      fileData: { mimeType: 'image/webp', fileUri: url },
    })
    expect(partOf((await sent('mistral', far)).body)).toEqual({ type: 'image_url', image_url: url })
    for (const kind of ['cohere', 'azure'] as const) {
      expect(partOf((await sent(kind, far)).body)).toMatchObject({ image_url: { url } })
    }
    expect(await refused('bedrock', far)).toMatchObject({ code: 'unsupported' })
  })

  test('that is none is the fault of the caller', async () => {
    for (const url of ['file:///etc/passwd', 'data:image/png,plain', 'no url']) {
      expect(await refused('anthropic', look(url))).toMatchObject({
        code: 'invalid_request',
        param: 'messages[0].content[1]',
      })
    }
  })
})

describe('the wishes of a request', () => {
  const wishes = {
    temperature: 0.5,
    top_p: 0.9,
    max_tokens: 77,
    stop: ['END'],
    seed: 5,
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    logit_bias: { 5: 1 },
    x_unknown: 1,
  }

  test.each<[ServiceKind, Record<string, unknown>]>([
    ['anthropic', { max_tokens: 77, temperature: 0.5, stop_sequences: ['END'] }],
    [
      'google',
      {
        generationConfig: { maxOutputTokens: 77, temperature: 0.5, topP: 0.9, stopSequences: ['END'], seed: 5 },
      },
    ],
    ['mistral', { max_tokens: 77, temperature: 0.5, top_p: 0.9, random_seed: 5 }],
    ['cohere', { max_tokens: 77, temperature: 0.5, p: 0.9, stop_sequences: ['END'], seed: 5, presence_penalty: 0.1 }],
    ['bedrock', { inferenceConfig: { maxTokens: 77, temperature: 0.5, topP: 0.9, stopSequences: ['END'] } }],
    ['azure', { max_tokens: 77, temperature: 0.5, top_p: 0.9, stop: ['END'], seed: 5, frequency_penalty: 0.2 }],
  ])('reach %s in its own words, and what it has no word for does not', async (kind, expected) => {
    const { body } = await sent(kind, wishes)
    expect(body).toMatchObject(expected)
    expect(JSON.stringify(body)).not.toMatch(/x_unknown/)
  })

  test('for JSON of a form reach every service that has it', async () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'number' } },
      required: ['a'],
      additionalProperties: false,
    }
    const response_format = { type: 'json_schema', json_schema: { name: 'thing', schema, strict: true } }
    for (const kind of kinds) {
      const { body } = await sent(kind, { response_format })
      expect(JSON.stringify(body), kind).toMatch(/"a":\{"type":"number"\}/)
    }
    expect((await sent('azure', { response_format })).body.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { name: 'thing', strict: true },
    })
    const google = await sent('google', { response_format: { type: 'json_object' } })
    expect(google.body.generationConfig).toMatchObject({ responseMimeType: 'application/json' })
  })

  test('for thought are known to services that think, but not amid a turn whose thoughts are lost', async () => {
    const effort = { reasoning_effort: 'high', max_tokens: 9_000 }
    const model = 'claude-sonnet-4-5'
    expect((await sent('anthropic', effort, model)).body.thinking).toMatchObject({ type: 'enabled' })
    const amid = await sent('anthropic', { ...effort, messages: dialogue, tools: [weather] }, model)
    expect(amid.body.thinking).toBeUndefined()
    const gemini = await sent('google', effort, 'gemini-2.5-pro')
    expect(gemini.body.generationConfig).toMatchObject({ thinkingConfig: { includeThoughts: true } })
    expect((await sent('azure', { reasoning_effort: 'low' }, 'gpt-5')).body.reasoning_effort).toBe('low')
  })

  test('for a limit that reasoning models take reach Azure under its name', async () => {
    const { body } = await sent('azure', { max_completion_tokens: 50 })
    expect(body.max_completion_tokens).toBe(50)
    expect(body.max_tokens).toBeUndefined()
  })

  test('against tools at once reach those who can', async () => {
    const one = {
      tools: [weather],
      parallel_tool_calls: false,
      tool_choice: { type: 'function', function: { name: 'weather' } },
    }
    expect((await sent('anthropic', one)).body.tool_choice).toEqual({
      type: 'tool',
      name: 'weather',
      disable_parallel_tool_use: true,
    })
    expect((await sent('azure', one)).body.parallel_tool_calls).toBe(false)
    expect((await sent('mistral', one)).body.parallel_tool_calls).toBe(false)
  })
})

describe('a conversation', () => {
  test('may have instructions anywhere: they go to the front where they must', async () => {
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'developer', content: 'Now in German.' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: 'c' },
    ]
    const { body } = await sent('google', { messages })
    expect(body.systemInstruction).toEqual({ parts: [{ text: 'Now in German.' }] })
    expect((body.contents as unknown[]).length).toBe(3)
    const azure = await sent('azure', { messages })
    expect((azure.body.messages as { role: string }[])[1]!.role).not.toBe('user')
  })

  const refusals: [what: string, code: string, param: string, body: Record<string, unknown>][] = [
    ['asks for two answers', 'invalid_request', 'n', { n: 2 }],
    ['asks for sound', 'unsupported', 'modalities', { modalities: ['text', 'audio'] }],
    ['has functions of the old kind', 'unsupported', 'functions', { functions: [{ name: 'f' }] }],
    ['has a tool of another kind', 'unsupported', 'tools[0]', { tools: [{ type: 'custom', custom: {} }] }],
    ['has a tool without a name', 'invalid_request', 'tools[0]', { tools: [{ type: 'function', function: {} }] }],
    [
      'has sound in it',
      'unsupported',
      'messages[0].content[0]',
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    ],
    [
      'has the result of no call',
      'invalid_request',
      'messages[0]',
      { messages: [{ role: 'tool', tool_call_id: 'c', content: 'x' }] },
    ],
    [
      'has a file that is elsewhere',
      'unsupported',
      'messages[0].content[0]',
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] },
    ],
  ]
  test.each(refusals)('that %s is refused before it is sent', async (_what, code, param, body) => {
    expect(await refused('anthropic', body)).toMatchObject({ name: 'ParleyError', code, param })
  })
})

describe('a completion', () => {
  const complete = async (body: Record<string, unknown>) => {
    const { backend, requests } = await quietService('anthropic')
    const call = { task: 'completion' as const, body: { model: 'm', prompt: 'Once', ...body } }
    return { answer: await drain(backend.run(call, contextOf())).catch(cause => cause), requests }
  }

  test('is a conversation of one message', async () => {
    const { requests } = await complete({ max_tokens: 5 })
    expect(requests[0]!.body).toMatchObject({
      max_tokens: 5,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Once' }] }],
    })
  })

  test.each([{ suffix: 'end' }, { prompt: [1, 2] }, { prompt: ['a', 'b'] }])('of %j is unsupported', async body => {
    const { answer, requests } = await complete(body)
    expect(answer).toMatchObject({ code: 'unsupported' })
    expect(requests).toHaveLength(0)
  })
})

test.each(['../../v1/files', 'a?key=b', 'a b', 'a#b', ''])('the model %j leads nowhere else', async model => {
  const { backend, requests } = await quietService('google')
  await expect(drain(backend.run(chat(model), contextOf()))).rejects.toMatchObject({ code: 'model_not_found' })
  expect(requests).toHaveLength(0)
})

test('the environment of the process changes nothing', async () => {
  const far = {
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:1',
    ANTHROPIC_API_KEY: 'other',
    AWS_BEARER_TOKEN_BEDROCK: 'other',
  }
  Object.assign(process.env, far)
  try {
    const { headers } = await sent('anthropic', {}, 'm', { apiKey: undefined })
    expect(headers['x-api-key']).toBe('')
    expect((await sent('bedrock', {}, 'm', { apiKey: undefined })).headers.authorization).not.toContain('other')
  } finally {
    for (const name of Object.keys(far)) delete process.env[name]
  }
})
