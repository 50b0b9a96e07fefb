import { describe, expect, test } from 'vitest'
import type { Backend, Call, Context } from '../../src/core/index.ts'
import { ParleyError } from '../../src/core/index.ts'
import { type Candidate, createAdmission, record } from '../../src/gateway/index.ts'
import { Chunk, chatFolder, usageOf } from '../../src/openai/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'
import { candidate, routed } from './routed.ts'

interface Teller extends Backend {
  readonly asked: { call: Call; context: Context }[]
}

interface Telling {
  /** Where it breaks off; nowhere when missing. */
  readonly error?: ParleyError
  readonly delta?: Record<string, unknown>
  readonly cost?: bigint
  readonly promptTokens?: number
  /** Says nothing of tokens: no counts beside its chunks. */
  readonly isSilent?: boolean
  /** Ends without a reason to finish. */
  readonly endsOpenly?: boolean
}

const cut = new ParleyError('stream_cut', 'the line went dead')

/** Says its pieces, one chunk each, with a role before and usage behind, in the language of the call. */
function teller(name: string, pieces: readonly string[], telling: Telling = {}): Teller {
  const asked: Teller['asked'] = []
  const { error, delta, cost, promptTokens = 7, isSilent = false, endsOpenly = false } = telling
  const run: Backend['run'] = async function* (call, context) {
    asked.push({ call, context })
    const isChat = call.task === 'chat'
    const shape = (own: Record<string, unknown>, finish_reason: string | null = null) => ({
      ...{ id: `id-${name}`, created: 1, model: `model-${name}` },
      object: isChat ? 'chat.completion.chunk' : 'text_completion',
      choices: [{ index: 0, finish_reason, ...(isChat ? { delta: own } : { text: own.content ?? '' }) }],
    })
    yield Chunk.of(shape({ role: 'assistant', content: '' }), isSilent ? {} : { promptTokens })
    if (delta !== undefined) yield Chunk.of(shape(delta))
    for (const content of pieces) yield Chunk.of(shape({ content }), isSilent ? {} : { outputTokens: 1 })
    if (error !== undefined) throw error
    if (!endsOpenly) yield Chunk.of(shape({}, 'stop'))
    const usage = usageOf(promptTokens, pieces.length)
    yield Chunk.of({ ...shape({}), choices: [], usage })
    return { usage, servedBy: name, finishReason: 'stop', ...(cost !== undefined && { cost }) }
  }
  return { name, asked, models: async () => [], run }
}

const wishing = () => contextOf({ wishes: { continues: true } })
const dead = (name: string, pieces: readonly string[], more: Telling = {}) =>
  teller(name, pieces, { error: cut, ...more })

function told(tellers: readonly Backend[], facts: Partial<Candidate> = {}) {
  return routed(
    tellers.map(backend => candidate(backend, facts)),
    { policy: 'priority' },
  )
}

function folded(chunks: readonly Chunk[]) {
  const folder = chatFolder()
  for (const chunk of chunks) folder.add(chunk)
  return folder.body() as {
    id: string
    model: string
    choices: { message: { content: string }; finish_reason: string }[]
    usage: unknown
  }
}

const begun = { role: 'assistant', content: 'one two ' }

describe('an answer that breaks off', () => {
  test('ends with its error when nobody asked for more', async () => {
    const b = teller('b', ['three'])
    const { backend } = told([dead('a', ['one ', 'two ']), b])
    await expect(drain(backend.run(chat('m'), contextOf()))).rejects.toBe(cut)
    expect(b.asked).toHaveLength(0)
  })

  test('goes on elsewhere as one answer, when the app wishes it', async () => {
    const [a, b] = [dead('a', ['one ', 'two ']), teller('b', ['three ', 'four'])]
    const { backend } = told([a, b])
    const { chunks, outcome } = await drain(backend.run(chat('m', { max_tokens: 10 }), wishing()))
    const body = folded(chunks)
    expect(body.choices[0]).toMatchObject({ message: { content: 'one two three four' }, finish_reason: 'stop' })
    expect(body).toMatchObject({ id: 'id-a', model: 'model-a', usage: usageOf(14, 4) })
    expect(chunks.every(chunk => (chunk.json() as { id: string }).id === 'id-a')).toBe(true)
    const roles = chunks.filter(chunk => JSON.stringify(chunk.json()).includes('"role"'))
    expect(roles).toHaveLength(1)
    expect(outcome).toMatchObject({ servedBy: 'b', usage: usageOf(14, 4), route: { attempts: 2 } })
    expect(b.asked[0]!.call.body).toMatchObject({
      messages: [{ role: 'user', content: 'hi' }, begun],
      max_tokens: 8,
    })
  })

  test('goes on for a model whose rules say so, unless the app forbids it', async () => {
    const tellers = () => [dead('a', ['one ']), teller('b', ['two'])].map(backend => candidate(backend))
    const rules = { rules: () => ({ continues: true }) }
    const { backend } = routed(tellers(), { policy: 'priority' }, rules)
    expect(folded((await drain(backend.run(chat('m'), contextOf()))).chunks).choices[0]!.message.content).toBe(
      'one two',
    )
    const unwilling = routed(tellers(), { policy: 'priority' }, rules).backend
    await expect(drain(unwilling.run(chat('m'), contextOf({ wishes: { continues: false } })))).rejects.toBe(cut)
  })

  test('is never continued by another model', async () => {
    const tiny = teller('tiny', ['three'])
    const serving = (model: string) => [candidate(model === 'm' ? dead('big', ['one ', 'two ']) : tiny)]
    const { backend } = routed([], {}, { serving })
    const context = contextOf({ wishes: { continues: true, models: ['small'] } })
    await expect(drain(backend.run(chat('m'), context))).rejects.toMatchObject({ code: 'stream_cut' })
    expect(tiny.asked).toEqual([])
  })

  const fox = 'The quick brown fox jumps '

  test('says no word twice', async () => {
    for (const again of [
      [`${fox}over`],
      [fox, 'over'],
      ['The quick ', 'brown fox ', 'jumps ', 'over'],
      [` ${fox}over`],
    ]) {
      const { backend } = told([dead('a', ['The quick ', 'brown fox jumps ']), teller('b', again)])
      const { chunks } = await drain(backend.run(chat('m'), wishing()))
      expect(folded(chunks).choices[0]!.message.content).toBe(`${fox}over`)
    }
  })

  test.each([
    [['That makes ', '10'], ['0', ' apples'], 'That makes 100 apples'],
    [['It is ', '1'], ['1', ' o’clock'], 'It is 11 o’clock'],
    [['Oh, ', 'no '], ['no ', 'no'], 'Oh, no no no'],
    [['one ', 'two '], ['two ', 'three'], 'one two two three'],
  ])('after %j loses none of %j', async (said, next, all) => {
    const { backend } = told([dead('a', said), teller('b', next)])
    const { chunks } = await drain(backend.run(chat('m'), wishing()))
    expect(folded(chunks).choices[0]!.message.content).toBe(all)
  })

  test('loses no word that ends openly while it may still be an echo', async () => {
    const b = teller('b', ['The lazy dog ', 'The quick '], { endsOpenly: true })
    const { backend } = told([dead('a', ['He wrote: ', 'The lazy dog The quick brown fox ']), b])
    const { chunks, outcome } = await drain(backend.run(chat('m'), wishing()))
    const body = folded(chunks)
    expect(body.choices[0]!.message.content).toBe('He wrote: The lazy dog The quick brown fox The lazy dog The quick ')
    expect(body).toMatchObject({ id: 'id-a', usage: usageOf(14, 4) })
    expect(outcome.usage).toEqual(usageOf(14, 4))
  })

  test.each([
    ['says nothing', []],
    ['says white space', [' ', '\n']],
    ['begins a short answer anew', ['one ', 'two ', 'three']],
  ])('is not taken for whole when the next one %s; one after it may go on', async (_name, pieces) => {
    const tellers = () => [dead('a', ['one ', 'two']), teller('b', pieces)]
    const { backend, ranking } = told(tellers())
    await expect(drain(backend.run(chat('m'), wishing()))).rejects.toBe(cut)
    expect(ranking.snapshot()).toMatchObject([{ name: 'a' }, { name: 'b', failures: 1, lastErrorCode: 'unsupported' }])
    const c = teller('c', [' three'])
    const { chunks, outcome } = await drain(told([...tellers(), c]).backend.run(chat('m'), wishing()))
    const body = folded(chunks)
    expect(body.choices[0]).toMatchObject({ message: { content: 'one two three' }, finish_reason: 'stop' })
    expect(outcome.usage.prompt_tokens).toBe(7 * 3)
    expect(c.asked[0]!.call.body).toMatchObject({ messages: [{ role: 'user' }, { content: 'one two' }] })
  })

  test('of which half a sign was said is not gone on with', async () => {
    const b = teller('b', ['👋'])
    const { backend } = told([dead('a', ['Hi ', '👋'.slice(0, 1)]), b])
    await expect(drain(backend.run(chat('m'), wishing()))).rejects.toBe(cut)
    expect(b.asked).toHaveLength(0)
  })

  test('may break more than once', async () => {
    const [b, c] = [dead('b', ['two '], { promptTokens: 9 }), teller('c', ['three'], { promptTokens: 11 })]
    const { backend } = told([dead('a', ['one ']), b, c])
    const { chunks, outcome } = await drain(backend.run(chat('m'), wishing()))
    expect(folded(chunks).choices[0]!.message.content).toBe('one two three')
    expect(outcome.usage).toEqual(usageOf(7 + 9 + 11, 3))
    expect(c.asked[0]!.call.body).toMatchObject({ messages: [{ role: 'user' }, begun] })
  })

  test('passes over those that fail before a word, and ends with the first error when all do', async () => {
    const refusing = dead('b', [])
    const { backend } = told([dead('a', ['one ']), refusing, teller('c', ['two'])])
    const { chunks } = await drain(backend.run(chat('m'), wishing()))
    expect(folded(chunks).choices[0]!.message.content).toBe('one two')
    const broken = new ParleyError('overloaded', 'no room')
    const hopeless = told([dead('a', ['one ']), teller('b', [], { error: broken })]).backend
    const reply = hopeless.run(chat('m'), wishing())
    const seen: unknown[] = []
    const read = async () => {
      for await (const chunk of reply) seen.push(chunk.json())
    }
    await expect(read()).rejects.toBe(cut)
    expect(seen).toHaveLength(2)
  })

  test('is no answer when somebody begins it anew in other words', async () => {
    const start = 'Once upon a time there was a king who had three daughters '
    const { backend } = told([dead('a', [`${start}and a garden`]), teller('b', [start, 'but no crown'])])
    await expect(drain(backend.run(chat('m'), wishing()))).rejects.toBe(cut)
  })

  test('costs what all took: the broken ones by their prices', async () => {
    const { backend } = told([dead('a', ['one ', 'two ']), teller('b', ['three'], { cost: 30n })], {
      priceIn: 1_000_000n,
      priceOut: 2_000_000n,
    })
    const { outcome } = await drain(backend.run(chat('m'), wishing()))
    expect(outcome.cost).toBe(7n + 2n * 2n + 30n)
  })

  test('costs what the broken one was asked, too, and counts it, as well as can be told', async () => {
    const long = 'word '.repeat(40)
    const a = dead('a', ['one ', long], { isSilent: true })
    const { backend } = told([a, teller('b', ['three'], { cost: 30n })], {
      priceIn: 1_000_000n,
      priceOut: 2_000_000n,
    })
    const messages = [{ role: 'user', content: 'x'.repeat(400) }]
    const { chunks, outcome } = await drain(backend.run(chat('m', { messages }), wishing()))
    const usage = { ...usageOf(100 + 7, 1 + 50 + 1), estimated: true }
    expect(outcome.usage).toEqual(usage)
    expect(folded(chunks).usage).toEqual(usage)
    expect(outcome.cost).toBe(100n + 51n * 2n + 30n)
  })

  test('has one limit for what all take', async () => {
    const b = teller('b', ['three'])
    const { backend } = told([dead('a', ['one ', 'two ']), b], { priceIn: 1_000_000n, priceOut: 2_000_000n })
    await drain(backend.run(chat('m'), contextOf({ wishes: { continues: true }, maxPrice: 20n })))
    expect(b.asked[0]!.context.maxPrice).toBe(9n)
  })

  test('counts as a failure of who broke it off, and as one running call after the other', async () => {
    const { backend, ranking, log } = told([dead('a', ['one ']), teller('b', ['two'])])
    await drain(backend.run(chat('m'), wishing()))
    expect(ranking.snapshot()).toMatchObject([
      { name: 'a', failures: 1, running: 0, lastErrorCode: 'stream_cut' },
      { name: 'b', successes: 1, running: 0 },
    ])
    expect(JSON.stringify(log.recent())).not.toContain('one')
  })

  const passed = { status: 400, body: { error: { message: 'no', type: 'x', param: null, code: 'x' } } }
  const blames = [
    ['a peer finds at fault', new ParleyError('invalid_request', 'a: no', { saidBy: 'a' }), 'backend_failed'],
    ['a peer finds too large', new ParleyError('too_large', 'a: no', { saidBy: 'a' }), 'backend_failed'],
    ['a peer has no model for', new ParleyError('model_not_found', 'a: no', { saidBy: 'a' }), 'backend_failed'],
    ['a peer was not paid for', new ParleyError('need_voucher', 'a: no', { saidBy: 'a' }), 'need_voucher'],
    ['an upstream finds at fault', new ParleyError('invalid_request', 'no', { passOn: passed }), 'invalid_request'],
  ] as const

  test.each(blames)('that %s after words goes on elsewhere: the request was good enough for them', async (...blame) => {
    const [, error, code] = blame
    const [a, c] = [teller('a', ['one ', 'two '], { error }), teller('c', ['three'])]
    // What is held against the call for the rest is not the app's request either.
    const refusing = teller('b', [], { error: blames[0][1] })
    const { backend, ranking, log } = told([a, refusing, c])
    const { chunks } = await drain(backend.run(chat('m'), wishing()))
    expect(folded(chunks).choices[0]!.message.content).toBe('one two three')
    const attempts = log.recent().flatMap(event => (event.type === 'call.attempted' ? [event.code] : []))
    expect(attempts).toEqual([code, 'invalid_request'])
    const counted = code === 'invalid_request' ? 0 : 1
    expect(ranking.snapshot()[0]).toMatchObject({ name: 'a', failures: counted })
  })

  test.each(blames)('that %s after words, and nobody goes on with: its teller is asked no more', async (...blame) => {
    const [, error, code] = blame
    const a = teller('a', ['one ', 'two '], { error })
    for (const context of [wishing(), contextOf()]) {
      await expect(drain(told([a]).backend.run(chat('m'), context))).rejects.toMatchObject({ code })
    }
    expect(a.asked).toHaveLength(2)
  })

  test('is one call for the filters around it', async () => {
    const { backend, log, time } = told([dead('a', ['one ']), teller('b', ['two'])])
    const { admit } = createAdmission({ maxRunning: 1, maxRunningPerPrincipal: 1 })
    await drain(record(log, time.clock)(admit(backend)).run(chat('m'), wishing()))
    expect(log.recent().at(-1)).toMatchObject({
      ...{ type: 'call.ended', servedBy: 'b', attempts: 2, tokensIn: 14, tokensOut: 2 },
    })
  })
})

describe('a completion', () => {
  const completion = (extra: Record<string, unknown> = {}): Call => ({
    task: 'completion',
    body: { model: 'm', prompt: 'count: ', ...extra },
  })

  test('goes on behind its prompt', async () => {
    const b = teller('b', ['two ', 'three'])
    const { backend } = told([dead('a', ['one ', 'and ']), b])
    const { chunks } = await drain(backend.run(completion({ max_tokens: 3 }), wishing()))
    const text = chunks.map(chunk => (chunk.json() as { choices: { text?: string }[] }).choices[0]?.text ?? '')
    expect(text.join('')).toBe('one and two three')
    expect(b.asked[0]!.call.body).toMatchObject({ prompt: 'count: one and ', max_tokens: 1 })
  })

  test('that has said all it may is not gone on with', async () => {
    const b = teller('b', ['three'])
    const { backend } = told([dead('a', ['one ', 'two ']), b])
    await expect(drain(backend.run(completion({ max_tokens: 2 }), wishing()))).rejects.toBe(cut)
    expect(b.asked).toHaveLength(0)
  })

  test('has as much left to say as nobody has seen', async () => {
    const said = 'one two three four '
    const c = teller('c', ['five'])
    const { backend } = told([dead('a', [said]), dead('b', said.split(/(?<= )/)), c])
    await drain(backend.run(completion({ max_tokens: 5 }), wishing()))
    expect(c.asked[0]!.call.body).toMatchObject({ max_tokens: 4 })
  })

  test.each([
    { suffix: 'end' },
    { echo: true },
    { logprobs: 0 },
    { best_of: 2 },
    { prompt: ['x', 'y'] },
    { prompt: [1] },
  ])('with %j does not', async extra => {
    const { backend } = told([dead('a', ['one ']), teller('b', ['two'])])
    await expect(drain(backend.run(completion(extra), wishing()))).rejects.toBe(cut)
  })
})

describe('nobody goes on', () => {
  const tools = [{ type: 'function', function: { name: 'f' } }]

  test.each([
    { tools },
    { functions: tools },
    { n: 2 },
    { logprobs: true },
    { response_format: { type: 'json_schema' } },
  ])('with a request with %j', async extra => {
    const b = teller('b', ['two'])
    const { backend } = told([dead('a', ['one ']), b])
    await expect(drain(backend.run(chat('m', extra), wishing()))).rejects.toBe(cut)
    expect(b.asked).toHaveLength(0)
  })

  test.each([
    ['thoughts', { reasoning_content: 'hm' }],
    ['a tool call', { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{' } }] }],
    ['a refusal', { refusal: 'no' }],
  ])('after %s', async (_name, delta) => {
    const b = teller('b', ['two'])
    const { backend } = told([dead('a', ['one '], { delta }), b])
    await expect(drain(backend.run(chat('m'), wishing()))).rejects.toBe(cut)
    expect(b.asked).toHaveLength(0)
  })

  test('after an error that no other can mend', async () => {
    const final = new ParleyError('spending_cap', 'enough')
    const b = teller('b', ['two'])
    const { backend } = told([teller('a', ['one '], { error: final }), b])
    await expect(drain(backend.run(chat('m'), wishing()))).rejects.toBe(final)
    expect(b.asked).toHaveLength(0)
  })

  test('for a caller that left', async () => {
    const gone = new AbortController()
    const b = teller('b', ['two'])
    const { backend } = told([dead('a', ['one ', 'two ']), b])
    const reply = backend.run(chat('m'), contextOf({ wishes: { continues: true }, signal: gone.signal }))
    await reply.next()
    await reply.next()
    gone.abort()
    await expect(drain(reply)).rejects.toBeInstanceOf(ParleyError)
    expect(b.asked).toHaveLength(0)
  })
})

test('an answer the app began itself is gone on with in one message', async () => {
  const b = teller('b', ['three'])
  const { backend } = told([dead('a', ['two ']), b])
  const messages = [
    { role: 'user', content: 'count' },
    { role: 'assistant', content: 'one ', name: 'x' },
  ]
  const { chunks } = await drain(backend.run(chat('m', { messages }), wishing()))
  expect(folded(chunks).choices[0]!.message.content).toBe('two three')
  expect(b.asked[0]!.call.body).toMatchObject({ messages: [messages[0], { ...begun, name: 'x' }] })
})
