import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { cut, type FaultyUpstream, hang, refuse, startFaultyUpstream, text } from '../../faulty-upstream.ts'
import { atTheEnd, type Stage, startStage, unknownId } from './stage.ts'

let stage: Stage
let upstream: FaultyUpstream
let token: string

beforeEach(async () => {
  stage = await startStage({ env: { UPSTREAM_KEY: 'sk-from-the-environment' } })
  upstream = await startFaultyUpstream(['faulty'])
  atTheEnd(() => upstream.stop())
  token = stage.tokens.operator
})

const secret = 'sk-upstream-0123456789abcdef'
const api = (name: string, more: object = {}) => ({ type: 'api', name, config: { url: upstream.url }, ...more })

async function create(body: object, status = 201) {
  const said = await stage.ask('POST /providers', { token, body })
  expect(said.status, said.text).toBe(status)
  return said.body
}

async function chat(model = 'faulty', headers: Record<string, string> = {}) {
  const response = await fetch(`${stage.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-parley-test', 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
  })
  await response.text()
  return response
}

describe('a provider', () => {
  test('is usable with the next request, changed while calls run, and gone when it is removed', async () => {
    expect((await chat()).status).toBe(404)
    const made = await create(api('A', { key: secret }))
    expect(made).toMatchObject({ name: 'A', type: 'api', provider: 'openai', status: 'active', keySource: 'sealed' })
    expect(made).toMatchObject({ keyHint: 'cdef', live: { state: 'up', models: ['faulty'], source: 'store' } })
    expect((await chat()).headers.get('x-parley-provider')).toBe('A')
    expect(upstream.hits.at(-1)!.headers.authorization).toBe(`Bearer ${secret}`)

    let isOver = false
    const statuses: number[] = []
    const callAgain = async () => {
      while (!isOver) statuses.push((await chat()).status)
    }
    atTheEnd(() => void (isOver = true))
    const load = Promise.all([callAgain(), callAgain()])
    const callsFrom = async (start: number) => {
      while (statuses.length < start + 10) await sleep(5)
      return statuses.length
    }
    let calls = await callsFrom(0)
    const rotated = 'sk-upstream-rotated-0123456789'
    await stage.ask(`PUT /providers/${made.id}`, { token, body: { config: { url: upstream.url, models: ['faulty'] } } })
    calls = await callsFrom(calls)
    expect(upstream.hits.at(-1)!.headers.authorization).toBe(`Bearer ${secret}`)
    const put = await stage.ask(`PUT /providers/${made.id}`, { token, body: { name: 'B', key: rotated } })
    expect(put.body).toMatchObject({ name: 'B', keyHint: '6789' })
    expect((await chat()).headers.get('x-parley-provider')).toBe('B')
    await callsFrom(await callsFrom(calls))
    expect(upstream.hits.at(-1)!.headers.authorization).toBe(`Bearer ${rotated}`)
    isOver = true
    await load
    expect(statuses.filter(status => status !== 200)).toEqual([])

    expect((await stage.ask(`DELETE /providers/${made.id}`, { token })).status).toBe(204)
    expect((await chat()).status).toBe(404)
    expect((await stage.ask(`GET /providers/${made.id}`, { token })).status).toBe(404)
    expect((await stage.ask(`DELETE /providers/${made.id}`, { token })).status).toBe(404)
    await create(api('B'))
  })

  test('its key is never sent back, and may be a variable or none', async () => {
    token = stage.tokens.admin
    const named = await create(api('variable', { key: 'env:UPSTREAM_KEY' }))
    expect(named).toMatchObject({ keySource: 'variable', keyHint: 'env:UPSTREAM_KEY' })
    await chat()
    expect(upstream.hits.at(-1)!.headers.authorization).toBe('Bearer sk-from-the-environment')
    expect(JSON.stringify(await stage.store.providers.get(named.id))).not.toMatch(
      /sk-from-the-environment|UPSTREAM_KEY/,
    )
    const off = await stage.ask(`PUT /providers/${named.id}`, { token, body: { key: null } })
    expect(off.body).toMatchObject({ keySource: 'none', keyHint: null })
    const short = await create(api('short', { key: 'sk-short' }))
    expect(short.keyHint).toBeNull()
    await create(api('own', { key: 'env:PARLEY_MASTER_KEY' }), 400)
    await create(api('absent', { key: 'env:NOT_SET_ANYWHERE' }), 400)
    expect(stage.heard()).not.toMatch(/sk-from-the-environment|sk-short/)
  })

  test('what cannot be is refused with the field at fault', async () => {
    await create(api('taken'))
    const refused: [object, number, string | null][] = [
      [{ ...api('x'), type: 'robot' }, 400, 'type'],
      [{ type: 'api', config: {} }, 400, 'name'],
      [api('x', { config: { url: 'not a url' } }), 400, 'config.url'],
      [api('x', { config: { url: 'file:///etc/passwd' } }), 400, 'config.url'],
      [api('x', { config: { url: 'http://user:pass@example.com' } }), 400, 'config.url'],
      [api('x', { config: { url: 'http://169.254.169.254/latest/meta-data' } }), 400, 'config.url'],
      [api('x', { config: { url: 'http://[::ffff:169.254.169.254]/' } }), 400, 'config.url'],
      [api('x', { config: { url: 'http://2852039166/' } }), 400, 'config.url'],
      [api('x', { config: { url: upstream.url, flavour: 'mint' } }), 400, null],
      [api('x', { config: { models: 'all' } }), 400, null],
      [api('x', { config: { url: upstream.url, keyEnv: 'PARLEY_MASTER_KEY' } }), 400, 'config.keyEnv'],
      [api('x', { colour: 'red' }), 400, 'colour'],
      [api('x', { provider: 'nobody-speaks-this' }), 400, null],
      [api('taken'), 409, 'name'],
      [api('TAKEN'), 409, 'name'],
    ]
    for (const [body, status, param] of refused) {
      const said = await stage.ask('POST /providers', { token, body })
      expect([said.status, said.body.error.param], JSON.stringify(body)).toEqual([status, param])
    }
    expect((await stage.ask('GET /providers', { token })).body.total).toBe(1)
  })

  test('of the web has the address of its page', async () => {
    const made = await create({
      type: 'web',
      name: 'page',
      config: { url: 'https://93.184.216.34/chat', headless: true },
    })
    expect(made).toMatchObject({ type: 'web', provider: 'page', live: null })
    await create({ type: 'web', name: 'nowhere', config: { headless: true } }, 400)
    const { body } = await stage.ask(`POST /providers/${made.id}/test`, { token, body: { model: 'x' } })
    expect(body).toMatchObject({ ok: false, error: { code: 'unsupported' } })
  })

  test('has the key that is here sent elsewhere by an admin alone', async () => {
    const other = await startFaultyUpstream(['faulty'])
    atTheEnd(() => other.stop())
    const { id } = await create(api('A', { key: secret }))
    const put = async (body: object, as = token) =>
      (await stage.ask(`PUT /providers/${id}`, { token: as, body })).status
    expect(await put({ config: { url: other.url } })).toBe(403)
    expect(await put({ provider: 'anthropic' })).toBe(403)
    expect(await put({ key: 'env:UPSTREAM_KEY' })).toBe(403)
    await create(api('B', { key: 'env:UPSTREAM_KEY' }), 403)
    const config = (await stage.ask('GET /configs/export', { token })).body
    const [provider] = config.providers
    const stolen = { ...config, providers: [{ ...provider, config: { url: other.url } }] }
    const named = { ...config, providers: [{ ...provider, key: 'env:UPSTREAM_KEY' }] }
    for (const wanted of [stolen, named]) {
      expect((await stage.ask('POST /configs/import', { token, body: { config: wanted } })).status).toBe(403)
    }
    await chat()
    expect(other.hits).toEqual([])
    expect(await put({ config: { url: `${upstream.url}/` } })).toBe(200)
    expect(await put({ config: { url: other.url }, key: 'sk-of-the-other-0123456789' })).toBe(200)
    expect(await put({ config: { url: upstream.url } }, stage.tokens.admin)).toBe(200)
  })

  test('that is wrong already does not keep others from being put right', async () => {
    const row = { type: 'api', provider: 'openai', config: { url: 'http://127.0.0.1:9', flavour: 'mint' } } as const
    const bad = await stage.store.providers.create({ ...row, name: 'bad' })
    const said = await stage.ask('POST /providers', { token, body: api('good') })
    expect(said.status).toBe(409)
    expect(said.body.error.message).toMatch(/written down.*bad/)
    expect((await stage.ask(`DELETE /providers/${bad.id}`, { token })).status).toBe(204)
    expect((await chat()).headers.get('x-parley-provider')).toBe('good')
  })

  test('that a mapping names is neither removed, renamed nor disabled', async () => {
    const { id } = await create(api('used'))
    const [chatPath] = (await stage.ask('GET /endpoints', { token })).body.data
    const mapping = { mine: { targets: [{ provider: 'used', model: 'faulty' }] } }
    expect((await stage.ask(`PUT /endpoints/${chatPath.id}`, { token, body: { mapping } })).status).toBe(200)
    expect((await stage.ask(`DELETE /providers/${id}`, { token })).status).toBe(409)
    expect((await stage.ask(`PUT /providers/${id}`, { token, body: { name: 'other' } })).status).toBe(409)
    expect((await stage.ask(`PUT /providers/${id}`, { token, body: { status: 'disabled' } })).status).toBe(409)
    await stage.ask(`PUT /endpoints/${chatPath.id}`, { token, body: { mapping: {} } })
    expect((await stage.ask(`DELETE /providers/${id}`, { token })).status).toBe(204)
  })
})

test('a list is filtered and paged exactly', async () => {
  const ids: Record<string, string[]> = {}
  for (let at = 0; at < 25; at++) {
    const [type, status] = [at % 2 === 0 ? 'api' : 'web', at % 3 === 0 ? 'disabled' : 'active']
    const row = { type, status, name: `p${at}`, provider: 'openai', config: { url: upstream.url } } as const
    const { id } = await stage.store.providers.create(row as never)
    for (const name of ['', `type=${type}`, `status=${status}`, `type=${type}&status=${status}`])
      (ids[name] ??= []).push(id)
  }
  for (const [filter, expected] of Object.entries(ids)) {
    const { body } = await stage.ask(`GET /providers?${filter}&limit=100`, { token })
    expect(body.data.map(({ id }: { id: string }) => id).sort()).toEqual(expected.sort())
    expect(body.total).toBe(expected.length)
  }
  const page = await stage.ask('GET /providers?page=3&limit=10', { token })
  expect(page.body).toMatchObject({ total: 25, page: 3, limit: 10 })
  expect(page.body.data).toHaveLength(5)
  expect((await stage.ask('GET /providers?page=9&limit=10', { token })).body).toMatchObject({ total: 25, data: [] })
  expect((await stage.ask('GET /providers?limit=100000', { token })).body.limit).toBe(200)
  // How it is now may change from one look to the next: the node takes up these rows meanwhile.
  const [{ live: _then, ...first }] = page.body.data
  const { live: _now, ...alone } = (await stage.ask(`GET /providers/${first.id}`, { token })).body
  expect(alone).toEqual(first)
  expect((await stage.ask(`GET /providers/${unknownId}`, { token })).status).toBe(404)
})

test('a test of a provider says how it went and counts nowhere', async () => {
  const { id } = await create(api('A', { key: secret }))
  const ask = (body: object = {}) =>
    stage.ask(`POST /providers/${id}/test`, { token, body: { model: 'faulty', prompt: 'hello', ...body } })
  const good = (await ask({ parameters: { max_tokens: 7 } })).body
  expect(good).toMatchObject({ ok: true, model: 'faulty', error: null, usage: { total_tokens: 12 } })
  expect(good.text).toContain('Hello')
  expect(upstream.hits.at(-1)!.body).toMatchObject({ max_tokens: 7, messages: [{ role: 'user', content: 'hello' }] })
  const faults = [
    [refuse(401, { error: { message: `wrong key ${secret}` } }), 'backend_refused'],
    [refuse(500), 'backend_failed'],
    [text('application/json', '{"bad'), undefined],
    [cut('rst', 'headers'), undefined],
    [hang('headers'), 'timeout'],
  ] as const
  for (const [fault, code] of faults) {
    upstream.always(fault)
    const startedAt = performance.now()
    const { body, status } = await ask({ timeoutMs: 300 })
    expect(status).toBe(200)
    expect(body).toMatchObject({ ok: false, text: null })
    if (code !== undefined) expect(body.error.code).toBe(code)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  }
  upstream.reset()
  const { body } = await stage.ask(`GET /providers/${id}`, { token })
  expect(body.live).toMatchObject({ state: 'up', running: 0 })
  expect((await stage.store.requests.list({}, { page: 1, limit: 10 })).total).toBe(0)
  expect((await ask({ parameters: { model: 'other' } })).status).toBe(400)
  await stage.ask(`PUT /providers/${id}`, { token, body: { status: 'disabled' } })
  expect((await ask()).status).toBe(409)
  expect(stage.heard()).not.toContain(secret)
})

test('addresses of this machine are refused where they are not allowed', async () => {
  const strict = await startStage({ allowPrivateUpstreams: false })
  for (const url of ['http://127.0.0.1:11434/v1', 'http://localhost/v1', 'http://10.1.2.3/', 'http://[::1]/']) {
    const said = await strict.ask('POST /providers', {
      token: strict.tokens.admin,
      body: { type: 'api', name: 'x', config: { url } },
    })
    expect([said.status, said.body.error.param]).toEqual([400, 'config.url'])
    expect(said.body.error.message).toContain('management.allowPrivateUpstreams')
  }
})
