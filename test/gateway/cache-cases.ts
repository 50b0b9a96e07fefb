import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Shared } from '../../src/core/index.ts'
import { cacheTags } from '../../src/gateway/index.ts'
import {
  type Answer,
  cut,
  failInStream,
  json,
  piece,
  refuse,
  saidWhole,
  stream,
  usage,
  whole,
} from '../faulty-upstream.ts'
import { type CacheStage, messages, openCacheStage } from './cache-stage.ts'

const tool = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } })
const picture = (url: string) => [
  {
    role: 'user',
    content: [
      { type: 'text', text: 'hi' },
      { type: 'image_url', image_url: { url } },
    ],
  },
]

/** Pairs of requests that differ in one thing alone. */
const different: [what: string, a: Record<string, unknown>, b: Record<string, unknown>][] = [
  ['tools', { tools: [tool('a')] }, { tools: [tool('b')] }],
  ['tool_choice', { tools: [tool('a')], tool_choice: 'auto' }, { tools: [tool('a')], tool_choice: 'required' }],
  ['response_format', {}, { response_format: { type: 'json_object' } }],
  ['seed', { seed: 1 }, { seed: 2 }],
  ['n', { n: 1 }, { n: 2 }],
  ['stop', { stop: 'a' }, { stop: ['a', 'b'] }],
  ['max_tokens', { max_tokens: 1 }, { max_tokens: 2 }],
  ['temperature', { temperature: 0 }, { temperature: 1 }],
  ['images', { messages: picture('data:image/png;base64,AAAA') }, { messages: picture('data:image/png;base64,BBBB') }],
  [
    'the system text',
    { messages: [{ role: 'system', content: 'a' }, ...messages] },
    { messages: [{ role: 'system', content: 'b' }, ...messages] },
  ],
  [
    'the order of messages',
    { messages: [...messages, { role: 'user', content: 'x' }] },
    { messages: [{ role: 'user', content: 'x' }, ...messages] },
  ],
  ['the model', { model: 'm' }, { model: 'n' }],
  ['the provider', { provider: 'a' }, { provider: 'b' }],
  ['fallback models', {}, { models: ['n'] }],
  ['the user of the app', { user: 'a' }, { user: 'b' }],
  ['a field that only some server knows', { options: { num_ctx: 1 } }, { options: { num_ctx: 2 } }],
]

/** Everything an answer has but the id, which is new each time. */
const withoutId = ({ id: _id, ...rest }: Record<string, unknown>) => rest

/** What a cache of answers must do, wherever it keeps them. */
export function cacheCases(open: () => Promise<Shared>) {
  let stage: CacheStage
  let shared: Shared
  beforeAll(async () => {
    shared = await open()
    stage = await openCacheStage(shared, { maxEntryBytes: 64 * 1024 })
  })
  afterEach(async () => {
    for (const name of ['one', 'two']) stage.keys.set(name, { project: null, cache: 'default' })
    stage.reset()
    await shared.cache.purge(cacheTags.all)
  })
  afterAll(() => stage.stop())

  describe('the same request twice', () => {
    test('reaches the service once; the second answer is marked, has the same content and a new id', async () => {
      const [first, second] = [await stage.chat(), await stage.chat()]
      expect([first.cache, second.cache]).toEqual(['MISS', 'HIT'])
      expect(stage.hits()).toBe(1)
      expect(withoutId(second.json)).toEqual(withoutId(first.json))
      expect(second.json).toMatchObject({
        choices: [{ message: { content: saidWhole }, finish_reason: 'stop' }],
        usage,
      })
      expect(second.json.id).not.toBe(first.json.id)
      expect((await stage.chat()).json.id).not.toBe(second.json.id)
    })

    test('is recorded as a hit that cost nothing and asked nobody, with the usage of the answer', async () => {
      await stage.chat()
      const { headers } = await stage.chat()
      expect(headers.get('x-parley-provider')).toBe('a')
      expect(headers.get('x-parley-attempts')).toBe('0')
      expect(stage.records.slice(-2).map(({ cache }) => cache)).toEqual(['miss', 'hit'])
      const route = { servedBy: 'a', model: 'm', isFallback: false, attempts: 0, waitedMs: 0, isCached: true }
      expect(stage.outcomes.at(-1)).toEqual({ usage, servedBy: 'a', finishReason: 'stop', route })
      expect(stage.log.recent().at(-1)).toMatchObject({
        type: 'call.ended',
        servedBy: 'cache',
        attempts: 0,
        tokensOut: 5,
      })
    })

    test('streamed or not is the same request: each gets the answer in its own form', async () => {
      await stage.chat({ stream: true })
      const folded = await stage.chat()
      const streamed = await stage.chat({ stream: true, stream_options: { include_usage: true } })
      expect([folded.cache, streamed.cache, stage.hits()]).toEqual(['HIT', 'HIT', 1])
      expect(folded.json).toMatchObject({ choices: [{ message: { content: saidWhole } }], usage })
      expect(streamed.text.endsWith('data: [DONE]\n\n')).toBe(true)
      const events = streamed.text.split('\n\n').filter(event => event.startsWith('data: {'))
      const bodies = events.map(event => JSON.parse(event.slice(6)))
      expect(bodies.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(saidWhole)
      expect(new Set(bodies.map(({ id }) => id)).size).toBe(1)
      expect(bodies.at(-1)).toMatchObject({ choices: [], usage })
      expect(bodies.some(({ choices }) => choices[0]?.finish_reason === 'stop')).toBe(true)
    })

    test('replays through the official SDK, streamed and not', async () => {
      const client = stage.sdk()
      const asked = { model: 'm', messages, temperature: 0 }
      const said = async () => {
        let text = ''
        let counted: unknown
        const options = { stream: true, stream_options: { include_usage: true } } as const
        for await (const chunk of await client.chat.completions.create({ ...asked, ...options })) {
          text += chunk.choices[0]?.delta.content ?? ''
          counted = chunk.usage ?? counted
        }
        return { text, counted }
      }
      expect(await said()).toEqual({ text: saidWhole, counted: usage })
      expect(await said()).toEqual({ text: saidWhole, counted: usage })
      const { choices } = await client.chat.completions.create(asked)
      expect(choices[0]).toMatchObject({ message: { content: saidWhole }, finish_reason: 'stop' })
      expect(stage.hits()).toBe(1)
    })

    test('the Responses API and embeddings of the official SDK, too', async () => {
      const client = stage.sdk()
      const ask = () => client.responses.create({ model: 'm', input: 'hi', store: false })
      const [first, second] = [await ask(), await ask()]
      expect(first.output_text).toBe(saidWhole)
      expect(second.output_text).toBe(saidWhole)
      expect(second.id).not.toBe(first.id)
      expect(second.usage?.output_tokens).toBe(5)
      const events = await Array.fromAsync(
        await client.responses.create({ model: 'm', input: 'hi', store: false, stream: true }),
      )
      expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { usage: { output_tokens: 5 } } })
      expect(stage.hits()).toBe(1)
      const vector = async () => (await client.embeddings.create({ model: 'm', input: 'abc' })).data[0]?.embedding
      expect(await vector()).toEqual([3, 97])
      expect(await vector()).toEqual([3, 97])
      expect(stage.hits()).toBe(2)
    })

    test('tool calls and several choices come back as they were', async () => {
      const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'a', arguments: '{"x":1}' } }
      const answer = stream({
        words: [],
        instead: ({ response, hit }) => {
          const head = piece(hit, '')
          const events = [
            { ...head, choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] },
            { ...head, choices: [{ index: 1, delta: { content: 'two' }, finish_reason: 'stop' }] },
            { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
          ]
          response.end(`${events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`)
        },
      })
      stage.a.next(answer)
      const asked = { n: 2, tools: [tool('a')] }
      const [first, second] = [await stage.chat(asked), await stage.chat(asked)]
      expect(second.cache).toBe('HIT')
      expect(withoutId(second.json)).toEqual(withoutId(first.json))
      expect(second.json).toMatchObject({
        choices: [{ message: { tool_calls: [{ id: 'call_1' }] } }, { message: { content: 'two' } }],
      })
    })

    test('other tasks: completions, embeddings, moderation, ranking, speech', async () => {
      const body = { id: 'modr-1', model: 'm', results: [{ flagged: false }] }
      const sound = Buffer.alloc(10_000, 7)
      const asked: [path: string, body: Record<string, unknown>, answer: Answer][] = [
        ['/completions', { prompt: 'x' }, whole()],
        ['/embeddings', { input: 'x' }, whole()],
        ['/embeddings', { input: ['x', 'y'], encoding_format: 'base64' }, whole()],
        ['/moderations', { input: 'x' }, json(200, body)],
        ['/rerank', { query: 'x', documents: ['y'] }, json(200, { results: [{ index: 0, relevance_score: 1 }] })],
        [
          '/audio/speech',
          { input: 'x' },
          ({ response }) => void response.writeHead(200, { 'content-type': 'audio/mpeg' }).end(sound),
        ],
      ]
      for (const [path, question, answer] of asked) {
        stage.a.reset()
        stage.a.next(answer)
        const [first, second] = [
          await stage.post(path, { model: 'm', ...question }),
          await stage.post(path, { model: 'm', ...question }),
        ]
        expect([path, first.status, first.cache, second.cache]).toEqual([path, 200, 'MISS', 'HIT'])
        expect(stage.a.hits).toHaveLength(1)
        expect(withoutId(second.json)).toEqual(withoutId(first.json))
        expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
        if (path === '/audio/speech') expect(second.text).toBe(first.text)
      }
    })

    test('pictures are made anew', async () => {
      stage.a.always(json(200, { created: 1, data: [{ url: 'https://pictures.example/1' }] }))
      for (let i = 0; i < 2; i++)
        expect((await stage.post('/images/generations', { model: 'm', prompt: 'x' })).cache).toBe('OFF')
      expect(stage.hits()).toBe(2)
    })
  })

  describe('requests that differ', () => {
    test.each(different)('in %s are asked each', async (_what, a, b) => {
      for (const body of [a, b]) expect((await stage.chat(body)).cache).toBe('MISS')
      expect(stage.hits()).toBe(2)
      for (const body of [a, b]) expect((await stage.chat(body)).cache).toBe('HIT')
      expect(stage.hits()).toBe(2)
    })

    test('in how they are written or noted alone are the same', async () => {
      const same = [
        { temperature: 1, top_p: 0.5 },
        { top_p: 0.5, temperature: 1 },
        { temperature: 1, top_p: 0.5, stream: true },
        { temperature: 1, top_p: 0.5, metadata: { run: '1' }, prompt_cache_key: 'x' },
      ]
      const uses = []
      for (const body of same) uses.push((await stage.chat(body)).cache)
      expect(uses).toEqual(['MISS', 'HIT', 'HIT', 'HIT'])
    })
  })

  describe('callers', () => {
    const both = async () => [(await stage.chat()).cache, (await stage.chat({}, { key: 'two' })).cache]

    test('never get each other’s answers', async () => {
      expect(await both()).toEqual(['MISS', 'MISS'])
      expect(stage.hits()).toBe(2)
    })

    test.each([
      ['both share', 'shared', 'shared', null, null, ['MISS', 'HIT']],
      ['both share, in one project', 'shared', 'shared', 'p', 'p', ['MISS', 'HIT']],
      ['both share, in two projects', 'shared', 'shared', 'p', 'q', ['MISS', 'MISS']],
      ['only the first shares', 'shared', 'own', null, null, ['MISS', 'MISS']],
      ['only the second shares', 'own', 'shared', null, null, ['MISS', 'MISS']],
      ['the second has no cache', 'shared', 'off', null, null, ['MISS', 'OFF']],
    ] as const)('%s', async (_what, one, two, projectOne, projectTwo, uses) => {
      stage.keys.set('one', { project: projectOne, cache: one })
      stage.keys.set('two', { project: projectTwo, cache: two })
      expect(await both()).toEqual(uses)
    })
  })

  describe('what is not kept', () => {
    const bad: [what: string, answer: Answer][] = [
      ['a refusal', refuse(400)],
      ['a failure', refuse(500)],
      ['a stream that is cut', cut('fin')],
      ['a connection that is reset', cut('rst')],
      ['an error in the stream', failInStream()],
      ['what a filter cut off', stream({ finish: 'content_filter' })],
    ]
    test.each(bad)('%s', async (_what, answer) => {
      for (const service of [stage.a, stage.b]) service.always(answer)
      await stage.chat({ stream: true }).catch(() => undefined)
      expect(stage.hits()).toBeGreaterThan(0)
      stage.reset()
      const { cache, text } = await stage.chat({ stream: true })
      expect([cache, stage.hits()]).toEqual(['MISS', 1])
      expect(text).toContain('[DONE]')
    })

    test('an answer whose caller left', async () => {
      const gone = new AbortController()
      stage.a.next(stream({ dripMs: 30 }))
      const left = stage.chat({ stream: true }, { signal: gone.signal })
      await expect.poll(stage.hits).toBe(1)
      gone.abort()
      await expect(left).rejects.toThrow()
      expect((await stage.chat({ stream: true })).cache).toBe('MISS')
    })

    test('an answer that was continued by another provider', async () => {
      stage.a.next(cut('fin'))
      stage.b.next(stream({ words: [' and', ' more'] }))
      const asked = { continue_on_failure: true }
      const { json: first } = await stage.chat(asked)
      expect(first).toMatchObject({ choices: [{ message: { content: `${saidWhole} and more` } }] })
      expect((await stage.chat(asked)).cache).toBe('MISS')
    })

    test('the answer of a model that stood in for another', async () => {
      const answer: Answer = asked => (asked.hit.body.model === 'n' ? whole() : refuse(404))(asked)
      for (const service of [stage.a, stage.b]) service.always(answer)
      const asked = { models: ['n'] }
      const first = await stage.chat(asked)
      expect(first.status).toBe(200)
      expect(first.headers.get('x-parley-model')).toBe('n')
      expect((await stage.chat(asked)).cache).toBe('MISS')
    })

    test('an answer that another provider gave after the first had failed is as good as any', async () => {
      stage.a.next(refuse(503))
      expect((await stage.chat()).status).toBe(200)
      expect((await stage.chat()).cache).toBe('HIT')
    })

    test('an answer that is longer than an entry may be', async () => {
      stage.a.always(stream({ words: Array.from({ length: 20 }, () => 'x'.repeat(5_000)) }))
      for (let i = 0; i < 2; i++) expect((await stage.chat({ stream: true })).cache).toBe('MISS')
      stage.a.always(stream({ words: ['short'] }))
      await stage.chat({ stream: true, seed: 1 })
      expect((await stage.chat({ stream: true, seed: 1 })).cache).toBe('HIT')
    })

    test('what its server is to store', async () => {
      for (let i = 0; i < 2; i++) expect((await stage.chat({ store: true })).cache).toBe('OFF')
    })
  })

  describe('cache-control', () => {
    const withHeader = async (value: string) => (await stage.chat({}, { headers: { 'cache-control': value } })).cache

    test('no-store: neither taken nor kept', async () => {
      expect(await withHeader('no-store')).toBe('OFF')
      expect((await stage.chat()).cache).toBe('MISS')
      expect(await withHeader('no-cache, no-store')).toBe('OFF')
      expect(stage.hits()).toBe(3)
    })

    test('no-cache: asked anew, and kept', async () => {
      await stage.chat()
      stage.a.next(stream({ words: ['new'] }))
      expect(await withHeader('No-Cache')).toBe('MISS')
      const { cache, json: body } = await stage.chat()
      expect([cache, stage.hits()]).toEqual(['HIT', 2])
      expect(body).toMatchObject({ choices: [{ message: { content: 'new' } }] })
    })

    test('max-age: not what is older', async () => {
      await stage.chat()
      expect(await withHeader('max-age=60')).toBe('HIT')
      expect(await withHeader('max-age=0')).toBe('MISS')
      expect(await withHeader('max-age=nonsense')).toBe('HIT')
    })
  })

  describe('purging', () => {
    test('forgets what a key’s calls left, and nothing else', async () => {
      await stage.chat()
      await stage.chat({}, { key: 'two' })
      await shared.cache.purge(cacheTags.caller({ kind: 'key', id: 'one' }))
      expect((await stage.chat()).cache).toBe('MISS')
      expect((await stage.chat({}, { key: 'two' })).cache).toBe('HIT')
    })

    test('forgets the answers of a model, and nothing else', async () => {
      for (const model of ['m', 'n']) await stage.chat({ model })
      await shared.cache.purge(cacheTags.model('m'))
      expect((await stage.chat({ model: 'm' })).cache).toBe('MISS')
      expect((await stage.chat({ model: 'n' })).cache).toBe('HIT')
    })

    test('forgets everything', async () => {
      await stage.chat()
      await shared.cache.purge(cacheTags.all)
      expect((await stage.chat()).cache).toBe('MISS')
    })
  })

  describe('at the same time', () => {
    test('equal calls that say they are alike are asked once, and all later ones not at all', async () => {
      stage.a.next(stream({ dripMs: 10 }))
      const all = await Promise.all(Array.from({ length: 20 }, () => stage.chat({ temperature: 0 })))
      expect(all.every(({ status }) => status === 200)).toBe(true)
      expect(stage.hits()).toBe(1)
      const later = await Promise.all(Array.from({ length: 20 }, () => stage.chat({ temperature: 0 })))
      expect(later.map(({ cache }) => cache)).toEqual(Array(20).fill('HIT'))
      expect(stage.hits()).toBe(1)
      expect(new Set(later.map(({ json: { id } }) => id)).size).toBe(20)
    })

    test('many different calls each get their own answer, also from the cache', async () => {
      stage.a.always(asked => stream({ words: [JSON.stringify(asked.hit.body.messages)] })(asked))
      const ask = (i: number) =>
        stage.chat({ messages: [{ role: 'user', content: `question ${i}` }], stream: i % 2 === 0 })
      for (let round = 0; round < 2; round++) {
        const all = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(i)))
        for (const [i, { text, cache }] of all.entries()) {
          expect(cache).toBe(round === 0 ? 'MISS' : 'HIT')
          expect(text).toContain(`question ${i}\\`)
        }
      }
      expect(stage.hits()).toBe(30)
    })
  })

  test('an entry lives as long as it was given', async () => {
    const short = await openCacheStage(shared, { ttlMs: 300 })
    try {
      await short.chat({ seed: 300 })
      expect((await short.chat({ seed: 300 })).cache).toBe('HIT')
      await expect
        .poll(async () => (await short.chat({ seed: 300 })).cache, { interval: 400, timeout: 5_000 })
        .toBe('MISS')
    } finally {
      await short.stop()
    }
  })
}
