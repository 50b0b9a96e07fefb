import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createScripted } from '../scripted.ts'
import { channelOf, type Market, offered, openMarket, readBook, until } from './market.ts'

const nano = 'parley-nano'
const scripted = createScripted('scripted', ['say-20', 'mute-1', 'break-3', 'tool-1', 'slow-400'])
const { script } = scripted
const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }]
let market: Market
let ai: OpenAI

beforeAll(async () => {
  market = await openMarket({ backend: scripted })
  ai = market.ai
  await offered(market.user.node, 'say-20')
})
afterAll(() => market?.stop())

describe('an unmodified SDK whose answers are bought from a peer', () => {
  test('lists the models of the market with their prices, and retrieves one', async () => {
    const { data } = await ai.models.list()
    expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining([nano, 'say-20']))
    const model = await ai.models.retrieve(nano)
    expect(model).toMatchObject({ id: nano, object: 'model', owned_by: 'peer', providers: 1 })
    expect(model).toMatchObject({ pricing: { prompt: '200000', completion: '600000', currency: 'PTD' } })
  })

  test('gets a chat answer, the same in one piece and streamed', async () => {
    const whole = await ai.chat.completions.create({ model: nano, temperature: 0, messages })
    const { content } = whole.choices[0]!.message
    expect(whole).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'stop' }] })
    expect(content).toContain('Paris')
    const stream = ai.chat.completions.stream({ model: nano, temperature: 0, messages })
    let pieces = 0
    stream.on('content', () => pieces++)
    expect(await stream.finalContent()).toBe(content)
    expect(pieces).toBeGreaterThan(1)
    const ended = () => market.user.node.log.recent().flatMap(event => (event.type === 'call.ended' ? [event] : []))
    await until(() => ended().length > 1, 'both calls are booked')
    expect(ended().at(-1)).toMatchObject({ servedBy: market.dev.accounts[1]!.address })
  })

  test('sends its tools, and what nobody here knows, to the backend as they are', async () => {
    const parameters = { type: 'object', properties: { city: { type: 'string', enum: ['Bern', 'Zürich'] } } }
    const tools = [{ type: 'function' as const, function: { name: 'weather', strict: true, parameters } }]
    const asked = { model: 'tool-1', messages, tools, tool_choice: 'auto' as const, x_unknown: { deep: [1, 'two'] } }
    const answer = await ai.chat.completions.create(asked)
    const { stream: _, stream_options: __, ...arrived } = script.lastBody as Record<string, unknown>
    // A bought answer is bounded by what the caller may spend on it, and sampled with the seed its receipt names.
    expect(arrived).toEqual({ ...asked, max_tokens: expect.any(Number), seed: expect.any(Number) })
    const call = answer.choices[0]!.message.tool_calls![0]!
    expect(call).toMatchObject({ type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } })
    expect(answer.choices[0]!.finish_reason).toBe('tool_calls')
  })

  test('gets responses, which its node asks of the peer as chats', async () => {
    const asked = { model: nano, temperature: 0, input: messages }
    const whole = await ai.responses.create(asked)
    expect(whole).toMatchObject({ status: 'completed', usage: { output_tokens: expect.any(Number) } })
    expect(whole.output_text).toContain('Paris')
    const streamed = await ai.responses.stream(asked).finalResponse()
    expect(streamed.output_text).toBe(whole.output_text)
  })

  test('gets completions, the same in one piece and streamed', async () => {
    const asked = { model: nano, prompt: 'Once upon', max_tokens: 20, temperature: 0 }
    const whole = await ai.completions.create(asked)
    expect(whole.object).toBe('text_completion')
    let text = ''
    for await (const { choices } of await ai.completions.create({ ...asked, stream: true })) text += choices[0]!.text
    expect(text).toBe(whole.choices[0]!.text)
    expect(text).not.toBe('')
  })

  test('gets embeddings, the same as base64, which is its default, and as numbers', async () => {
    const asked = { model: nano, input: ['a dog', 'a boat'] }
    const packed = await ai.embeddings.create(asked)
    const plain = await ai.embeddings.create({ ...asked, encoding_format: 'float' })
    expect(packed.data).toHaveLength(2)
    for (const [i, { embedding }] of plain.data.entries()) {
      expect(embedding.length).toBeGreaterThan(8)
      expect([...packed.data[i]!.embedding]).toEqual(embedding.map(Math.fround))
    }
    expect(plain.data[0]!.embedding).not.toEqual(plain.data[1]!.embedding)
  })
})

describe('usage', () => {
  test('in every answer is what its receipt says, on both sides', async () => {
    const asked = { model: nano, messages, temperature: 0 }
    const usages = new Map<string, { prompt_tokens: number; completion_tokens?: number }>()
    const note = ({ request_id, data }: { request_id: string | null; data: { usage?: unknown } }) =>
      usages.set(request_id!, data.usage as never)
    note(await ai.chat.completions.create(asked).withResponse())
    note(await ai.chat.completions.create({ ...asked, model: 'say-20' }).withResponse())
    note(await ai.completions.create({ model: nano, prompt: 'Once', max_tokens: 8 }).withResponse())
    note(await ai.embeddings.create({ model: nano, input: 'a dog' }).withResponse())
    const streamed = { ...asked, stream: true as const, stream_options: { include_usage: true } }
    const { data, request_id } = await ai.chat.completions.create(streamed).withResponse()
    for await (const chunk of data) if (chunk.usage) usages.set(request_id!, chunk.usage)
    expect(usages.size).toBe(5)
    // Between the nodes each call has another name than its app knows it by.
    const taken = () => market.user.node.log.recent().flatMap(event => (event.type === 'receipt.taken' ? [event] : []))
    const ours = () => new Map(taken().map(({ requestId, call }) => [requestId, call!] as const))
    const named = () => [...ours()].flatMap(([name, call]) => (usages.has(call) ? [name] : []))
    for (const [home, side] of [
      [market.user.home, 'user'],
      [market.provider.home, 'provider'],
    ] as const) {
      const { key } = channelOf(home, side)!
      const receipts = () => readBook(home, ledger => ledger.receipts(key, named()))
      await until(() => receipts().filter(({ message }) => message.finishReason !== '').length === 5, 'all is booked')
      for (const { message } of receipts()) {
        const { prompt_tokens, completion_tokens = 0 } = usages.get(ours().get(message.requestId)!)!
        expect([message.tokensIn, message.tokensOut]).toEqual([BigInt(prompt_tokens), BigInt(completion_tokens)])
      }
    }
  })

  test('is paid: what the receipts add up to is authorised, and the provider holds the voucher', async () => {
    const before = channelOf(market.user.home, 'user')?.charged ?? 0n
    await ai.chat.completions.create({ model: 'say-20', messages })
    const taken = () => market.user.node.log.recent().flatMap(event => (event.type === 'receipt.taken' ? [event] : []))
    const paid = () => channelOf(market.user.home, 'user')!
    const earned = () => channelOf(market.provider.home, 'provider')!
    await until(() => paid().charged > before && paid().charged === earned().charged, 'both have booked it')
    expect(taken().at(-1)!.cumulative).toBe(paid().charged)
    await until(() => earned().authorized === paid().authorized, 'the newest voucher has arrived')
    expect(earned().authorized).toBeGreaterThanOrEqual(earned().charged)
  })
})

interface Leaving {
  readonly start: (signal: AbortSignal) => Promise<unknown>
  readonly isWorking: () => boolean
  /** When the app leaves: at once when the far end is at work, unless it waits for something. */
  readonly isTime?: () => boolean
}

/** How long the far end goes on after an abort here, in the median of several tries. */
async function medianDelay({ start, isWorking, isTime = isWorking }: Leaving): Promise<number> {
  const delays: number[] = []
  for (let i = 0; i < 7; i++) {
    const gone = new AbortController()
    const call = start(gone.signal).catch((cause: unknown) => cause)
    await until(() => isWorking() && isTime(), 'the far end is at work', 20_000, 1)
    const from = performance.now()
    gone.abort()
    await until(() => !isWorking(), 'the far end has stopped', 20_000, 1)
    delays.push(performance.now() - from)
    expect(await call).toBeInstanceOf(OpenAI.APIUserAbortError)
  }
  return delays.sort((a, b) => a - b)[3]!
}

describe('an app that leaves', () => {
  let words = 0
  const stream = async (model: string, signal: AbortSignal) => {
    words = 0
    const chunks = await ai.chat.completions.create({ model, messages, stream: true }, { signal })
    for await (const { choices } of chunks) if (choices[0]?.delta.content) words++
    if (signal.aborted) throw new OpenAI.APIUserAbortError()
  }
  const isUpstreamWorking = () => script.open > 0

  test('stops the provider’s upstream within 200 ms before the first token', async () => {
    const start = (signal: AbortSignal) => ai.chat.completions.create({ model: 'mute-1', messages }, { signal })
    expect(await medianDelay({ start, isWorking: isUpstreamWorking })).toBeLessThan(200)
  })

  test('stops the provider’s upstream within 200 ms in the middle of a stream', async () => {
    const start = (signal: AbortSignal) => stream('slow-400', signal)
    const delay = await medianDelay({ start, isWorking: isUpstreamWorking, isTime: () => words > 1 })
    expect(delay).toBeLessThan(200)
  })

  test('stops the provider’s own model within 200 ms', async () => {
    const { node } = market.provider
    const isWorking = () => node.status().running > 0
    expect(await medianDelay({ start: signal => stream(nano, signal), isWorking })).toBeLessThan(200)
    const failed = () => node.log.recent().flatMap(event => (event.type === 'call.failed' ? [event] : []))
    await until(() => failed().at(-1)?.model === nano, 'the provider has noted it')
    expect(failed().at(-1)).toMatchObject({ code: 'cancelled' })
  })
})

describe('errors', () => {
  test('are of the classes the SDK knows', async () => {
    const ask = (body: object, options = {}) => ai.chat.completions.create({ model: nano, messages, ...body }, options)
    const wrong = new OpenAI({ baseURL: market.user.node.url, apiKey: 'sk-parley-wrong', maxRetries: 0 })
    await expect(wrong.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    await expect(ask({ model: 'nobody-has-it' })).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    await expect(ask({ messages: 'hello' })).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    await expect(ai.models.retrieve('nobody-has-it')).rejects.toMatchObject({ code: 'model_not_found', status: 404 })
    await expect(ask({ model: 'break-3' })).rejects.toBeInstanceOf(OpenAI.InternalServerError)
    const poor = { headers: { 'parley-max-price': '1' } }
    await expect(ask({}, poor)).rejects.toMatchObject({ status: 402, code: 'price_too_high' })
  })

  test('in the middle of a stream reach the app after what was said, and the stream does not end well', async () => {
    let text = ''
    const read = async () => {
      for await (const chunk of await ai.chat.completions.create({ model: 'break-3', messages, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? ''
      }
    }
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError)
    expect(text).toBe('w0 w1 ')
  })
})
