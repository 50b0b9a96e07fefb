import { describe, expect, test } from 'vitest'
import { Chunk, createResponsesTeller, ResponsesRequest, toChat } from '../../src/openai/index.ts'
import { misfit } from '../schemas.ts'

const asked = (body: object = {}) => ResponsesRequest.parse({ model: 'm', input: 'hi', ...body })
const sent = (body: object) => toChat(asked(body))

describe('a request becomes a chat call', () => {
  test('of its text, with everything unknown', () => {
    expect(sent({ stream: true, temperature: 0.5, x_unknown: { deep: [1] }, provider: 'b' })).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
      temperature: 0.5,
      x_unknown: { deep: [1] },
      provider: 'b',
    })
  })

  test('of its options by their names there, without what only a response has', () => {
    const schema = { type: 'object', properties: {} }
    const body = sent({
      max_output_tokens: 20,
      reasoning: { effort: 'low', summary: 'auto' },
      text: { format: { type: 'json_schema', name: 'shape', schema, strict: true }, verbosity: 'low' },
      include: ['message.output_text.logprobs', 'reasoning.encrypted_content'],
      top_logprobs: 2,
      store: true,
      metadata: { a: 'b' },
      truncation: 'auto',
      previous_response_id: null,
      background: false,
      tool_choice: 'auto',
      parallel_tool_calls: true,
    })
    expect(body).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
      max_tokens: 20,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'shape', schema, strict: true } },
      verbosity: 'low',
      logprobs: true,
      top_logprobs: 2,
    })
    expect(misfit('CreateChatCompletionRequest', body)).toBeUndefined()
  })

  test('without a search of the web, which agents offer on top and nobody here can run', () => {
    const run = { type: 'function', name: 'shell', parameters: { type: 'object' } }
    const search = { type: 'web_search', external_web_access: false }
    const searches = [search, { type: 'web_search_preview_2025_03_11' }, { type: 'web_search_2025_08_26' }]
    expect(sent({ tools: [search, run] })).toMatchObject({ tools: [{ function: { name: 'shell' } }] })
    expect(sent({ tools: searches, tool_choice: 'auto' })).not.toHaveProperty('tools')
    expect(told([text('a')], 'stop', { tools: [run, ...searches] }).body.tools).toMatchObject([{ name: 'shell' }])
  })

  test('of its tools, the allowed ones, and the choice among them', () => {
    const tools = ['a', 'b'].map(name => ({ type: 'function', name, parameters: { type: 'object' }, strict: true }))
    const called = (name: string) => {
      return { type: 'function', function: { name, parameters: { type: 'object' }, strict: true } }
    }
    expect(sent({ tools, tool_choice: { type: 'function', name: 'b' } })).toMatchObject({
      tools: [called('a'), called('b')],
      tool_choice: { type: 'function', function: { name: 'b' } },
    })
    const allowed = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'b' }] }
    expect(sent({ tools, tool_choice: allowed })).toMatchObject({ tools: [called('b')], tool_choice: 'required' })
    expect(misfit('CreateChatCompletionRequest', sent({ tools, tool_choice: allowed }))).toBeUndefined()
  })

  test('of its items: turns, thoughts, calls and their results', () => {
    const input = [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'input_text', text: 'What is it?' }, picture] },
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'no' }], content: [{ text: 'Hm.' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
      { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"at":9007199254740993}' },
      { type: 'function_call', call_id: 'c2', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'a cat' },
      { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'a dog' }] },
      { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'sealed' },
      { role: 'assistant', content: 'A cat.' },
      { role: 'user', content: 'Thanks.' },
    ]
    const body = sent({ instructions: 'Be kind.', input })
    const call = (id: string, text: string) => ({ id, type: 'function', function: { name: 'look', arguments: text } })
    expect(body.messages).toEqual([
      { role: 'system', content: 'Be kind.\n\nBe brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          { type: 'image_url', image_url: { url: picture.image_url, detail: 'low' } },
        ],
      },
      {
        role: 'assistant',
        content: 'I look.',
        reasoning_content: 'Hm.',
        tool_calls: [call('c1', '{"at":9007199254740993}'), call('c2', '{}')],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'a cat' },
      { role: 'tool', tool_call_id: 'c2', content: 'a dog' },
      { role: 'assistant', content: 'A cat.' },
      { role: 'user', content: 'Thanks.' },
    ])
    expect(misfit('CreateChatCompletionRequest', body)).toBeUndefined()
  })

  const picture = { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low' }

  test.each([
    ['a tool of the original', { tools: [{ type: 'file_search' }] }, 'tools.0.type', 'file_search'],
    ['its choice', { tool_choice: { type: 'computer' } }, 'tool_choice.type', 'computer'],
    ['a function without a name', { tools: [{ type: 'function' }] }, 'tools.0.name', 'name'],
    ['an item of such a tool', { input: [{ type: 'web_search_call' }] }, 'input.0.type', 'web_search_call'],
    ['a reference', { input: [{ type: 'item_reference', id: 'x' }] }, 'input.0.id', 'keeps no items'],
    ['a file by its id', { input: said({ type: 'input_file', file_id: 'f' }) }, 'input.0.content.0.file_data', 'files'],
    ['a part of no known type', { input: said({ type: 'smell' }) }, 'input.0.content.0.type', 'smell'],
    ['an earlier response', { previous_response_id: 'resp_1' }, 'previous_response_id', 'send the whole input'],
    ['a conversation', { conversation: 'conv_1' }, 'conversation', 'send the whole input'],
    ['a stored prompt', { prompt: { id: 'p' } }, 'prompt', 'keeps no prompts'],
    ['work in the background', { background: true }, 'background', 'leave background out'],
    ['no input', { input: undefined }, 'input', 'received undefined'],
  ])('not with %s', (_, body, path, why) => {
    const parsed = ResponsesRequest.safeParse({ model: 'm', input: 'hi', ...body })
    const [issue] = parsed.error?.issues ?? []
    expect(issue?.path.join('.')).toContain(path)
    expect(issue?.message).toContain(why)
  })
})

function said(part: object) {
  return [{ role: 'user', content: [part] }]
}

/** Tells deltas of a chat, and gives every event back, checked against the published schema. */
function told(deltas: readonly object[], finish: string | null, body: object = {}) {
  const teller = createResponsesTeller(asked(body), 'id')
  const head = { id: 'c', object: 'chat.completion.chunk', created: 7, model: 'm-1' }
  const chunks = deltas.map(delta => ({ ...head, choices: [{ index: 0, finish_reason: null, ...delta }] }))
  const last = { ...head, choices: [{ index: 0, delta: {}, finish_reason: finish }] }
  const events = [...chunks, last].flatMap(chunk => teller.tell(Chunk.of(chunk)))
  events.push(...teller.end({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }))
  return { events: parsed(events), body: teller.body() }
}

function parsed(events: readonly { type: string; data: string }[]): Record<string, unknown>[] {
  return events.map(({ type, data }, i) => {
    const event = JSON.parse(data) as Record<string, unknown>
    expect(misfit('ResponseStreamEvent', event)).toBeUndefined()
    expect([event.type, event.sequence_number]).toEqual([type, i])
    return event
  })
}

const typesOf = (events: readonly Record<string, unknown>[]) => events.map(({ type }) => String(type).slice(9))
const text = (content: string) => ({ delta: { content } })

describe('chunks become events', () => {
  test('in order: thoughts, words, and their ends', () => {
    const deltas = [
      { delta: { role: 'assistant', content: '' } },
      { delta: { reasoning_content: 'Hm' } },
      text('a'),
      text('b'),
    ]
    const { events, body } = told(deltas, 'stop')
    expect(typesOf(events)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'reasoning_text.delta',
      'reasoning_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'completed',
    ])
    expect(events.at(-1)!.response).toEqual(body)
    expect(misfit('Response', body)).toBeUndefined()
    expect(body).toMatchObject({ model: 'm-1', created_at: 7, status: 'completed', store: false, error: null })
    expect(body.output).toMatchObject([
      { id: 'rs_id_0', content: [{ type: 'reasoning_text', text: 'Hm' }], status: 'completed' },
      { id: 'msg_id_1', content: [{ type: 'output_text', text: 'ab' }], status: 'completed' },
    ])
  })

  test('what was told is not changed by what comes later', () => {
    const { events } = told([text('a'), text('b')], 'stop')
    expect(events[0]!.response).toMatchObject({ status: 'in_progress', output: [] })
    expect(events[2]!.item).toMatchObject({ status: 'in_progress', content: [] })
    expect(events[3]!.part).toMatchObject({ text: '' })
  })

  test('of calls side by side, each with its own arguments', () => {
    const call = (index: number, more: object) => ({ delta: { tool_calls: [{ index, ...more }] } })
    const piece = (index: number, text: string) => call(index, { function: { arguments: text } })
    const begun = (index: number) =>
      call(index, { id: `call_${index}`, function: { name: `f${index}`, arguments: '' } })
    const { events, body } = told(
      [text('I look.'), begun(0), begun(1), piece(0, '{'), piece(1, '[]'), piece(0, '}')],
      'tool_calls',
    )
    expect(body.output).toMatchObject([
      { type: 'message', status: 'completed' },
      { type: 'function_call', call_id: 'call_0', name: 'f0', arguments: '{}', status: 'completed' },
      { type: 'function_call', call_id: 'call_1', name: 'f1', arguments: '[]', status: 'completed' },
    ])
    const pieces = events.filter(({ type }) => type === 'response.function_call_arguments.delta')
    expect(pieces.map(({ output_index, delta }) => [output_index, delta])).toEqual([
      [1, '{'],
      [2, '[]'],
      [1, '}'],
    ])
    const whole = events.filter(({ type }) => type === 'response.function_call_arguments.done')
    expect(whole.map(event => [event.name, event.arguments])).toEqual([
      ['f0', '{}'],
      ['f1', '[]'],
    ])
  })

  test('of a refusal and of probabilities', () => {
    const logprobs = {
      content: [{ token: 'a', logprob: -1, bytes: null, top_logprobs: [{ token: 'b', logprob: -2 }] }],
    }
    const { body } = told([{ ...text('a'), logprobs }, { delta: { refusal: 'no' } }], 'stop')
    expect(body.output).toMatchObject([
      {
        content: [
          { text: 'a', logprobs: [{ token: 'a', logprob: -1, bytes: [] }] },
          { type: 'refusal', refusal: 'no' },
        ],
      },
    ])
  })

  test.each([
    ['length', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }],
    ['content_filter', { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }],
    ['error', { status: 'failed', error: { code: 'server_error' } }],
    [null, { status: 'completed' }],
  ])('that end as a finish for %s says', (finish, expected) => {
    const { events, body } = told([text('a')], finish)
    expect(body).toMatchObject(expected)
    expect(typesOf(events).at(-1)).toBe(expected.status)
    expect(body.output).toMatchObject([{ status: expected.status === 'completed' ? 'completed' : 'incomplete' }])
  })

  test('that end in an error and a failed response when the answer breaks', () => {
    const teller = createResponsesTeller(asked(), 'id')
    const chunk = { created: 7, model: 'm', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: null }] }
    const events = [
      ...teller.tell(Chunk.of(chunk)),
      ...teller.fail({ code: 'rate_limited', message: 'too many requests; wait', param: null }),
    ]
    const [error, failed] = parsed(events).slice(-2)
    expect(error).toMatchObject({ type: 'error', code: 'rate_limited', error: { code: 'rate_limited' } })
    expect(failed).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'rate_limit_exceeded' }, output: [{ status: 'incomplete' }] },
    })
  })

  test('the request is echoed as it was understood', () => {
    const tools = [{ type: 'function', name: 'f' }]
    const { body } = told([text('a')], 'stop', { tools, metadata: { a: 'b' }, store: true, user: 'u', top_p: 0.5 })
    expect(body).toMatchObject({
      tools: [{ type: 'function', name: 'f', parameters: null, strict: null }],
      metadata: { a: 'b' },
      store: false,
      user: 'u',
      top_p: 0.5,
      temperature: null,
      usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
    })
    expect(misfit('Response', body)).toBeUndefined()
  })
})
