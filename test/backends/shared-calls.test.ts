import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { until } from '../compliance.ts'
import * as up from '../faulty-upstream.ts'
import { type Behind, startBehind } from './behind.ts'

let behind: Behind
let upstream: up.FaultyUpstream
let ai: OpenAI

beforeAll(async () => {
  behind = await startBehind()
  ;({ upstream, ai } = behind)
})
afterAll(() => behind.stop())
afterEach(() => upstream.reset())

const asked = { model: 'faulty', messages: [{ role: 'user' as const, content: 'hi' }], temperature: 0 }

async function textOf(of: OpenAI, signal?: AbortSignal): Promise<string> {
  let text = ''
  const stream = await of.chat.completions.create({ ...asked, stream: true }, { ...(signal && { signal }) })
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
  return text
}

test('equal streams of one key are asked once, those of another for themselves', async () => {
  upstream.always(up.stream({ dripMs: 20 }))
  const other = new OpenAI({ apiKey: 'sk-parley-other', baseURL: behind.url, maxRetries: 0 })
  const all = await Promise.all([...Array.from({ length: 8 }, () => textOf(ai)), textOf(other)])
  expect(new Set(all)).toEqual(new Set([up.saidWhole]))
  expect(upstream.hits).toHaveLength(2)
})

test('the upstream is let go when the last of them leaves', async () => {
  upstream.always(up.hang('middle'))
  const gone = [new AbortController(), new AbortController()]
  const all = gone.map(({ signal }) => textOf(ai, signal).catch(() => 'left'))
  expect(await until(() => upstream.hits.length === 1)).toBe(true)
  gone[0]!.abort()
  await all[0]
  expect(await until(() => upstream.hits[0]!.leftAt !== undefined, 100)).toBe(false)
  gone[1]!.abort()
  expect(await until(() => upstream.hits[0]!.leftAt !== undefined)).toBe(true)
  expect(upstream.hits).toHaveLength(1)
})

test('a hundred embeddings of one input take a few calls, and each is its own', async () => {
  upstream.always(async asked => {
    await new Promise(resolve => setTimeout(resolve, 20))
    await up.whole()(asked)
  })
  const inputs = Array.from({ length: 100 }, (_, i) => `${String.fromCharCode(97 + (i % 26))}${'x'.repeat(i)}`)
  const all = await Promise.all(inputs.map(input => ai.embeddings.create({ model: 'faulty', input })))
  // A busy machine sends them more slowly than they are gathered.
  expect(upstream.hits.length).toBeLessThanOrEqual(50)
  for (const [i, { data, usage }] of all.entries()) {
    expect(data).toMatchObject([{ index: 0, embedding: [inputs[i]!.length, inputs[i]!.charCodeAt(0)] }])
    expect(usage.prompt_tokens).toBe(inputs[i]!.length)
  }
})

test('an input that an upstream refuses is refused to its app alone, in the upstream’s words', async () => {
  const answer: up.Answer = async asked => {
    await new Promise(resolve => setTimeout(resolve, 20))
    const isBad = JSON.stringify(asked.hit.body.input).includes('bad')
    await (isBad ? up.echo(400) : up.whole())(asked)
  }
  upstream.always(answer)
  const embed = (input: string) => ai.embeddings.create({ model: 'faulty', input })
  const [bad, ...good] = await Promise.allSettled(['first', 'bad', 'secret', 'c'].map(embed)).then(
    ([, ...rest]) => rest,
  )
  expect(good.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
  expect(bad).toMatchObject({ status: 'rejected', reason: { status: 400, code: 'oops_400' } })
  expect((bad as PromiseRejectedResult).reason.message).not.toContain('secret')
})
