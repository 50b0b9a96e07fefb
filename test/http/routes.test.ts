import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/core/index.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { createScripted } from '../scripted.ts'

const listed = {
  ...{ id: 'm', object: 'model' as const, created: 7, owned_by: 'a', context_length: 4_096, max_model_len: 4_096 },
  ...{ max_output_tokens: 512, capabilities: ['chat'], providers: 2 },
  pricing: { prompt: '1', completion: '2', currency: 'USDC' },
}
const backend: Backend = {
  ...createScripted(),
  models: async () => [
    { ...listed, root: '/srv/models/m.gguf', permission: [{ id: 'p' }], api_base: 'http://10.0.0.7' },
    { id: 'org/n', object: 'model', created: 7, owned_by: 'b' },
  ],
}
let server: LocalServer

beforeAll(async () => {
  const serving = (model: string) => (model === 'm' ? ['near', 'far'] : ['far'])
  server = await serveLocally(backend, { providers: { names: () => ['near', 'far', 'idle'], serving } })
})
afterAll(() => server.stop())

const ask = (path: string, method = 'GET') =>
  fetch(new URL(path, server.url), { method, headers: { authorization: 'Bearer sk-parley-test' } })
const idsOf = async (path: string) => {
  const { data } = (await (await ask(path)).json()) as { data: { id: string }[] }
  return data.map(({ id }) => id)
}

describe('a method a path does not take', () => {
  test.each([
    ['/v1/models', 'POST', 'GET, HEAD'],
    ['/v1/models/m', 'DELETE', 'GET, HEAD'],
    ['/v1/chat/completions', 'GET', 'POST'],
    ['/v1/chat/completions', 'HEAD', 'POST'],
    ['/v1/files/file-1', 'PUT', 'GET, HEAD, DELETE'],
    ['/v1/responses/r-1', 'PATCH', 'GET, HEAD, DELETE, POST'],
    ['/healthz/live', 'DELETE', 'GET, HEAD'],
  ])('of %s is 405 for %s, and those it takes are named', async (path, method, allow) => {
    const { status, headers } = await ask(path, method)
    expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow })
  })

  test('is no answer for a path there is not', async () => {
    for (const path of ['/v1/nothing', '/v1/model', '/']) expect((await ask(path, 'POST')).status).toBe(404)
  })
})

test('a slash at the end says nothing, and one that is escaped is part of a name', async () => {
  expect(await idsOf('/v1/models/')).toEqual(['m', 'org/n'])
  expect((await ask('/v1/models/m/')).status).toBe(200)
  const { status, headers } = await ask('/v1/chat/completions/')
  expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'POST' })
  const named = await ask('/v1/models/org%2Fn')
  expect(named.status).toBe(200)
  expect(await named.json()).toMatchObject({ id: 'org/n' })
  expect((await ask('/v1/models/org%2')).status).toBe(400)
  expect((await ask('/v1%2Fmodels')).status).toBe(404)
})

test('HEAD is answered like GET, without its body', async () => {
  for (const path of ['/v1/models', '/v1/models/m', '/healthz/live']) {
    const [head, get] = [await ask(path, 'HEAD'), await ask(path)]
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
    expect(await head.text()).toBe('')
  }
  expect((await ask('/v1/models/none', 'HEAD')).status).toBe(404)
})

describe('the list of models', () => {
  test('shows the fields that are documented and no other', async () => {
    const { data } = (await (await ask('/v1/models')).json()) as { data: unknown[] }
    expect(data).toEqual([listed, { id: 'org/n', object: 'model', created: 7, owned_by: 'b' }])
    expect(await (await ask('/v1/models/m')).json()).toEqual(listed)
  })

  test('holds those of one provider where it is asked for them', async () => {
    expect(await idsOf('/v1/models')).toEqual(['m', 'org/n'])
    expect(await idsOf('/v1/models?provider=near')).toEqual(['m'])
    expect(await idsOf('/v1/models?provider=FAR')).toEqual(['m', 'org/n'])
    expect(await idsOf('/v1/models?provider=idle')).toEqual([])
    const unknown = await ask('/v1/models?provider=nobody')
    expect(unknown.status).toBe(400)
    expect(await unknown.text()).toContain('nobody')
  })
})
