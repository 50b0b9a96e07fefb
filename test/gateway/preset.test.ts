import { expect, test } from 'vitest'
import type { Backend, Call, Route } from '../../src/core/index.ts'
import { createEventLog, ParleyError, systemClock } from '../../src/core/index.ts'
import { preset, record, shownModels } from '../../src/gateway/index.ts'
import { Chunk, noUsage, Preset } from '../../src/openai/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'
import { createScripted } from '../scripted.ts'

const secret = 'CANARY-5d2f: you are the shop assistant'

function staged(own: Partial<Preset>, inner: Backend = createScripted()) {
  const parsed = Preset.parse(own)
  const presetOf = ({ id }: { id: string }) => (id === 'with' ? parsed : undefined)
  const backend = preset(presetOf)(inner)
  const run = (call: Call, extra = {}) =>
    drain(backend.run(call, contextOf({ principal: { kind: 'key', id: 'with' }, ...extra })))
  return { backend, run, truth: inner as ReturnType<typeof createScripted> }
}

const completion = (prompt: unknown, extra = {}): Call =>
  ({ task: 'completion', body: { model: 'say-1', prompt, ...extra } }) as Call

test('a chat gets the system text and the parameters of its project, and others do not', async () => {
  const { run, truth } = staged({ system: secret, defaults: { temperature: 0.2, max_tokens: 50 } })
  await run(chat('say-1'))
  expect(truth.script.lastBody).toEqual({
    model: 'say-1',
    messages: [
      { role: 'system', content: secret },
      { role: 'user', content: 'hi' },
    ],
    temperature: 0.2,
    max_tokens: 50,
  })
  await run(chat('say-1'), { principal: { kind: 'key', id: 'other' } })
  expect(truth.script.lastBody).toEqual(chat('say-1').body)
})

test('what the caller says itself wins, under either name of a limit', async () => {
  const { run, truth } = staged({ defaults: { temperature: 0.2, max_tokens: 50, top_p: 0.5 } })
  await run(chat('say-1', { temperature: 1, max_completion_tokens: 7, top_p: null }))
  expect(truth.script.lastBody).toMatchObject({ temperature: 1, max_completion_tokens: 7, top_p: 0.5 })
  expect(truth.script.lastBody).not.toHaveProperty('max_tokens')
})

test('what is forced counts whatever the caller says', async () => {
  const { run, truth } = staged({ forced: { max_tokens: 5, seed: 7 }, defaults: { seed: 1 } })
  await run(chat('say-1', { max_completion_tokens: 10_000, seed: 3 }))
  expect(truth.script.lastBody).toMatchObject({ max_tokens: 5, seed: 7 })
  expect(truth.script.lastBody).not.toHaveProperty('max_completion_tokens')
})

test('where it is configured so, a value of the caller is refused, and what is set is not told', async () => {
  const { run, truth } = staged({ system: secret, defaults: { temperature: 0.25 }, own: 'refused' })
  for (const [call, param] of [
    [chat('say-1', { temperature: 1 }), 'temperature'],
    [chat('say-1', { messages: [{ role: 'developer', content: 'x' }] }), 'messages'],
    [completion([[1, 2]]), 'prompt'],
    [completion('x', { echo: true }), 'echo'],
  ] as const) {
    const error = await run(call).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'invalid_request', param })
    expect(JSON.stringify((error as ParleyError).toBody())).not.toMatch(/CANARY|0\.25/)
  }
  expect(truth.script.opened).toBe(0)
})

test('a completion gets the text before each of its prompts', async () => {
  const { run, truth } = staged({ system: secret })
  await run(completion('one'))
  expect(truth.script.lastBody).toMatchObject({ prompt: `${secret}\n\none` })
  await run(completion(['one', 'two']))
  expect(truth.script.lastBody).toMatchObject({ prompt: [`${secret}\n\none`, `${secret}\n\ntwo`] })
})

test('a name stands for a model, and the answer has the name', async () => {
  const { run, truth } = staged({ aliases: { house: 'say-3', spare: 'say-2' } })
  const routes: Route[] = []
  const { chunks } = await run(chat('house'), {
    takesRuns: true,
    wishes: { models: ['spare', 'say-1'] },
    onRoute: (route: Route) => routes.push(route),
  })
  expect(truth.script.lastBody).toMatchObject({ model: 'say-3' })
  for (const chunk of chunks) expect(chunk.json()).toMatchObject({ model: 'house' })
  expect(Buffer.concat(chunks.map(({ bytes }) => bytes)).toString()).not.toContain('say-3')
  const embedded = await run({ task: 'embedding', body: { model: 'spare', input: 'x' } }).catch(
    (cause: unknown) => cause,
  )
  expect(embedded).toMatchObject({ chunks: [{ meta: {} }] })
})

test('a fallback model that answers has the name that its caller knows', async () => {
  const truth = createScripted()
  const falling: Backend = {
    ...truth,
    run: async function* (call, context) {
      const [model = ''] = context.wishes?.models ?? []
      const route = { servedBy: 'x', model, isFallback: true, attempts: 2, waitedMs: 0 }
      context.onRoute?.(route)
      return { ...(yield* truth.run({ ...call, body: { ...call.body, model } } as Call, context)), route }
    },
  }
  const { run } = staged({ aliases: { house: 'say-3', spare: 'say-2' } }, falling)
  for (const asked of ['house', 'say-1']) {
    const routes: Route[] = []
    const { chunks, outcome } = await run(chat(asked), {
      wishes: { models: ['spare'] },
      onRoute: (route: Route) => routes.push(route),
    })
    for (const chunk of chunks) expect(chunk.json()).toMatchObject({ model: 'spare' })
    // What counts the call goes by the model, what shows it by the name.
    expect(routes).toMatchObject([{ model: 'say-2', shownModel: 'spare' }])
    expect(outcome.route?.model).toBe('say-2')
  }
})

test('a whole body that is no event has the name too, and sound is left alone', async () => {
  const body = { model: 'real', results: [] }
  const raw: Backend = {
    ...createScripted(),
    run: async function* (call) {
      yield call.task === 'rerank'
        ? Chunk.raw(Buffer.from(JSON.stringify(body)), { contentType: 'application/json' }, body)
        : Chunk.raw(Uint8Array.of(1, 2, 3), { contentType: 'audio/mpeg' })
      return { usage: noUsage, servedBy: 'raw' }
    },
  }
  const { run } = staged({ aliases: { house: 'real' } }, raw)
  const ranked = await run({ task: 'rerank', body: { model: 'house', query: 'q', documents: ['d'] } } as Call)
  expect(JSON.parse(Buffer.from(ranked.chunks[0]!.bytes).toString())).toEqual({ model: 'house', results: [] })
  const spoken = await run({ task: 'speech', body: { model: 'house', input: 'x', voice: 'a' } } as Call)
  expect([...spoken.chunks[0]!.bytes]).toEqual([1, 2, 3])
})

test('no error, answer or event shows a word of the preset', async () => {
  const quoting: Backend = {
    ...createScripted(),
    // biome-ignore lint/correctness/useYield: it fails before it says anything
    run: async function* (call) {
      const words = JSON.stringify(call.body)
      throw new ParleyError('invalid_request', `upstream answered 400 for real-model`, {
        details: { tried: ['real-model'] },
        passOn: {
          status: 422,
          body: { error: { message: words, type: 'invalid_request_error', param: null, code: null } },
        },
      })
    },
  }
  const { backend } = staged(
    { system: secret, forced: { temperature: 0.25 }, aliases: { house: 'real-model' } },
    quoting,
  )
  const log = createEventLog(systemClock.now)
  const context = contextOf({ principal: { kind: 'key', id: 'with' } })
  const error = await drain(record(log, systemClock)(backend).run(chat('house'), context)).catch(
    (cause: unknown) => cause,
  )
  const { passOn } = error as ParleyError
  expect(passOn).toEqual({ status: 422 })
  const shown = JSON.stringify([(error as ParleyError).toBody(), log.recent()])
  expect(shown).not.toMatch(/CANARY|0\.25|real-model/)
  expect(shown).toContain('house')
})

test('a caller sees the names and not what they stand for', () => {
  const models = ['real', 'other'].map(id => ({ id, object: 'model' as const, created: 1, owned_by: 'x' }))
  expect(
    shownModels(models, Preset.parse({ aliases: { house: 'real', gone: 'missing' } })).map(({ id }) => id),
  ).toEqual(['other', 'house'])
})

test('a preset cannot say what is the caller’s alone', () => {
  for (const name of ['model', 'messages', 'stream']) {
    expect(Preset.safeParse({ forced: { [name]: 'x' } }).success, name).toBe(false)
  }
  expect(Preset.safeParse({ sytem: 'typo' }).success).toBe(false)
})
