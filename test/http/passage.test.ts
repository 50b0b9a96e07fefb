import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { until } from '../compliance.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { type MediaService, sendBody, sendJson, startMediaService } from '../media-service.ts'
import { type Passing, startPassing } from '../passing.ts'

const upstreamKey = 'sk-upstream-7f3a'
const localKey = 'sk-parley-test'
const otherKey = 'sk-parley-other'
const principals: Readonly<Record<string, string>> = { [localKey]: 'key-1', [otherKey]: 'key-2' }
const verifyKey = (key: string) => {
  const id = principals[key]
  return id === undefined ? undefined : { principal: { kind: 'key' as const, id } }
}

let services: MediaService[]
let upstreams: UpstreamBackend[]
let server: LocalServer
let both: LocalServer
let passings: Passing[]
let client: OpenAI
let other: OpenAI
let operator: OpenAI

beforeAll(async () => {
  services = await Promise.all([startMediaService([]), startMediaService([])])
  upstreams = services.map(({ url }, i) =>
    createUpstream({
      name: `keeper-${i}`,
      url,
      apiKey: upstreamKey,
      clock: systemClock,
      connectTimeoutMs: 1_000,
      maxConnections: 8,
    }),
  )
  const [first] = upstreams
  passings = [
    startPassing(() => [first!.passage!], { headersMs: 400, idleMs: 400 }),
    startPassing(() => upstreams.map(({ passage }) => passage!)),
  ]
  const [one, two] = passings.map(({ passages }) => ({ passages, verifyKey }))
  server = await serveLocally(first!, one)
  both = await serveLocally(first!, two)
  const sdk = (apiKey: string) => new OpenAI({ apiKey, baseURL: server.url, maxRetries: 0 })
  client = sdk(localKey)
  other = sdk(otherKey)
  operator = sdk('admin-token')
})
beforeEach(() => {
  for (const service of services) {
    service.hits.length = 0
    service.isDeaf = false
  }
  const { ownership } = passings[0]!.passages
  ownership.add('key:key-1', { kind: 'file', provider: 'keeper-0', id: 'file-abc' })
})
afterAll(async () => {
  await Promise.all([server.stop(), both.stop()])
  for (const passing of passings) passing.stop()
  await Promise.all([...upstreams.map(upstream => upstream.close()), ...services.map(service => service.stop())])
})

const lines = Buffer.from(`${'{"messages":[{"role":"user","content":"grüezi"}]}\n'.repeat(4_000)}`)
const lastHit = (keeper = 0) => services[keeper]!.hits.at(-1)!
const answers = (body: unknown, status?: number) => {
  services[0]!.answer = (_hit, response) => sendJson(response, body, status)
}

function call(path: string, init: RequestInit = {}, at = server) {
  const headers = { authorization: `Bearer ${localKey}`, ...(init.headers as Record<string, string>) }
  return fetch(new URL(path, at.url), { ...init, headers })
}

describe('files', () => {
  const stored = { id: 'file-abc', object: 'file', bytes: lines.length, filename: 'train.jsonl', purpose: 'fine-tune' }

  test('are uploaded as they are, with the key of the server and not the caller’s', async () => {
    answers(stored)
    const file = await toFile(lines, 'train.jsonl')
    expect(await client.files.create({ file, purpose: 'fine-tune' })).toMatchObject(stored)
    const { path, method, headers, form } = lastHit()
    expect({ path, method }).toEqual({ path: '/v1/files', method: 'POST' })
    expect(headers.authorization).toBe(`Bearer ${upstreamKey}`)
    expect(JSON.stringify(headers)).not.toContain(localKey)
    expect(await form()).toContainEqual(['purpose', 'fine-tune'])
    expect(await form()).toContainEqual(['file', ['train.jsonl', expect.any(String), lines]])
  })

  test('are listed and found by the server’s own ids', async () => {
    answers({ object: 'list', data: [stored], has_more: false })
    expect((await client.files.list({ purpose: 'fine-tune', limit: 3 })).data).toMatchObject([stored])
    expect(lastHit().path).toBe('/v1/files?purpose=fine-tune&limit=100')
    answers(stored)
    expect(await client.files.retrieve('file-abc')).toMatchObject(stored)
    expect(lastHit().path).toBe('/v1/files/file-abc')
  })

  test('come back byte for byte, and may not run as a page', async () => {
    services[0]!.answer = (_hit, response) => sendBody(response, 'text/html', lines)
    const content = await client.files.content('file-abc')
    expect(Buffer.from(await content.arrayBuffer()).equals(lines)).toBe(true)
    expect(content.headers.get('content-security-policy')).toBe('sandbox')
    expect(lastHit().path).toBe('/v1/files/file-abc/content')
  })

  test('are deleted', async () => {
    answers({ id: 'file-abc', object: 'file', deleted: true })
    expect(await client.files.delete('file-abc')).toMatchObject({ deleted: true })
    expect(lastHit()).toMatchObject({ method: 'DELETE', path: '/v1/files/file-abc' })
  })

  test('that are not there are a 404 of the server', async () => {
    const error = { message: 'No such File object: file-x', type: 'invalid_request_error', param: 'id', code: null }
    answers({ error }, 404)
    await expect(client.files.retrieve('file-abc')).rejects.toMatchObject({ status: 404, param: 'id' })
    expect(services[0]!.hits).toHaveLength(1)
  })

  test.each(['/v1/files/a%2F..%2F..%2Fadmin', '/v1/files/a%00', '/v1/files/a/b/c/d'])(
    'a path like %s leads nowhere else',
    async path => {
      answers({})
      const { status } = await call(path)
      expect(status).toBe(404)
      expect(services[0]!.hits).toHaveLength(0)
    },
  )

  test('need a key of this node', async () => {
    const { status } = await call('/v1/files', { headers: { authorization: 'Bearer wrong' } })
    expect(status).toBe(401)
  })
})

describe('fine-tuning jobs', () => {
  const job = { id: 'ftjob-1', object: 'fine_tuning.job', status: 'queued', model: 'm' }

  test('are created, listed, followed and cancelled', async () => {
    answers(job)
    expect(await client.fineTuning.jobs.create({ model: 'm', training_file: 'file-abc' })).toMatchObject(job)
    await expect(client.fineTuning.jobs.create({ model: 'm', training_file: 'file-x' })).rejects.toMatchObject({
      ...{ status: 404, param: 'training_file' },
    })
    expect(lastHit().json()).toEqual({ model: 'm', training_file: 'file-abc' })
    answers({ object: 'list', data: [job], has_more: false })
    expect((await client.fineTuning.jobs.list({ limit: 2 })).data).toMatchObject([job])
    expect(lastHit().path).toBe('/v1/fine_tuning/jobs?limit=100')
    await client.fineTuning.jobs.listEvents('ftjob-1')
    expect(lastHit().path).toBe('/v1/fine_tuning/jobs/ftjob-1/events')
    answers({ ...job, status: 'cancelled' })
    expect(await client.fineTuning.jobs.cancel('ftjob-1')).toMatchObject({ status: 'cancelled' })
    expect(lastHit()).toMatchObject({ method: 'POST', path: '/v1/fine_tuning/jobs/ftjob-1/cancel' })
  })
})

describe('of several servers', () => {
  test('one has to be named, and it alone is asked', async () => {
    for (const [i, service] of services.entries()) {
      service.answer = (_hit, response) => sendJson(response, { id: `file-of-${i}`, object: 'file', keeper: i })
    }
    const upload = (query: string, headers = {}) => {
      const body = new FormData()
      body.set('file', new Blob([lines]), 'a.jsonl')
      return call(`/v1/files${query}`, { method: 'POST', body, headers }, both)
    }
    const unnamed = await upload('')
    expect(unnamed.status).toBe(400)
    expect(await unnamed.text()).toContain('keeper-0, keeper-1')
    expect(await (await upload('?provider=keeper-1&a=1')).json()).toMatchObject({ keeper: 1 })
    expect(lastHit(1).path).toBe('/v1/files?a=1')
    const answered = await upload('', { 'x-parley-provider': 'keeper-0' })
    expect(answered.headers.get('x-parley-provider')).toBe('keeper-0')
    expect(await answered.json()).toMatchObject({ keeper: 0 })
    expect(await (await call('/v1/files/file-of-1', {}, both)).json(), 'who keeps it is known').toMatchObject({
      keeper: 1,
    })
    expect((await call('/v1/files/file-of-1?provider=keeper-0', {}, both)).status).toBe(404)
    expect((await call('/v1/files?provider=nobody', {}, both)).status).toBe(400)
  })

  test('there has to be one', async () => {
    const none = await serveLocally(upstreams[0]!)
    const { status } = await call('/v1/files', {}, none)
    expect(status).toBe(404)
    await none.stop()
  })
})

describe('what one key made', () => {
  const mine = { id: 'file-mine', object: 'file' }
  const theirs = { id: 'file-theirs', object: 'file' }
  const none = { status: 404, code: 'not_found' }

  beforeEach(async () => {
    answers(mine)
    await client.files.create({ file: await toFile(lines, 'a.jsonl'), purpose: 'fine-tune' })
    answers(theirs)
    await other.files.create({ file: await toFile(lines, 'b.jsonl'), purpose: 'fine-tune' })
    services[0]!.hits.length = 0
  })

  test('is not there for another: not shown, read, deleted, used or listed after', async () => {
    answers(theirs)
    for (const reach of [
      () => client.files.retrieve('file-theirs'),
      () => client.files.content('file-theirs'),
      () => client.files.delete('file-theirs'),
      () => client.files.list({ after: 'file-theirs' }).then(page => page.data),
      () => client.fineTuning.jobs.create({ model: 'm', training_file: 'file-theirs' }),
      () => client.fineTuning.jobs.create({ model: 'm', training_file: 'file-mine', validation_file: 'file-theirs' }),
    ]) {
      await expect(reach()).rejects.toMatchObject(none)
    }
    expect(services[0]!.hits).toHaveLength(0)
    expect(await other.files.retrieve('file-theirs')).toMatchObject(theirs)
  })

  test('is not gone on from by another’s job, whatever field names it', async () => {
    const job = (id: string) => ({ id, object: 'fine_tuning.job', status: 'succeeded', result_files: [] })
    answers(job('ftjob-theirs'))
    await other.fineTuning.jobs.create({ model: 'm', training_file: 'file-theirs' })
    answers(job('ft-mine'))
    await client.fineTuning.jobs.create({ model: 'm', training_file: 'file-mine' })
    services[0]!.hits.length = 0
    const create = async (as: string, fields: Record<string, unknown>) => {
      const body = { model: 'm', training_file: 'file-mine', ...fields }
      const headers = { authorization: `Bearer ${as}`, 'content-type': 'application/json' }
      const answer = await call('/v1/fine_tuning/jobs', { method: 'POST', body: JSON.stringify(body), headers })
      return [answer.status, ((await answer.json()) as { error?: { param: string } }).error?.param]
    }
    const foreign: [field: string, value: unknown][] = [
      ['from_checkpoint', 'ftjob-theirs'],
      ['from_checkpoint', 'ftjob-theirs:4'],
      ['from_checkpoint', 'ftjob-never'],
      ['model', 'ftjob-theirs'],
      ['model', 'file-theirs'],
      ['training_files', ['file-mine', 'file-theirs']],
      ['training_files', [{ file_id: 'file-theirs', weight: 1 }]],
      ['validation_files', ['file-theirs']],
      ['training_file', { file_id: 'file-theirs' }],
    ]
    for (const [field, value] of foreign) {
      expect([value, await create(localKey, { [field]: value })]).toEqual([value, [404, field]])
    }
    for (const value of ['them/their-model-ft-1', 'them/model:2', 7, ['ft-mine']]) {
      expect(await create(localKey, { from_checkpoint: value })).toEqual([400, 'from_checkpoint'])
    }
    expect(services[0]!.hits).toHaveLength(0)
    answers(job('ft-next'))
    for (const fields of [
      { from_checkpoint: 'ft-mine' },
      { from_checkpoint: 'ft-mine:2', training_files: [{ file_id: 'file-mine' }], validation_files: null },
      { model: 'ft:gpt-4o-mini:us::abc' },
    ]) {
      expect(await create(localKey, fields)).toEqual([200, undefined])
    }
    expect(await create('admin-token', { from_checkpoint: 'them/their-model-ft-1' })).toEqual([200, undefined])
  })

  test('is read to nobody else by a model', async () => {
    const ask = (as: OpenAI, file_id: string) =>
      as.chat.completions.create({
        model: 'm',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'sum it up' },
              { type: 'file', file: { file_id } },
            ],
          },
        ],
      })
    services[0]!.answer = (_hit, response) =>
      sendJson(response, {
        choices: [{ index: 0, message: { role: 'assistant', content: 'short' }, finish_reason: 'stop' }],
      })
    expect((await ask(client, 'file-mine')).choices[0]!.message.content).toBe('short')
    await expect(ask(client, 'file-theirs')).rejects.toMatchObject(none)
    expect(services[0]!.hits).toHaveLength(1)
  })

  test('is answered for like what never was', async () => {
    const ask = async (id: string) => (await call(`/v1/files/${id}`)).text()
    expect((await ask('file-theirs')).replaceAll('file-theirs', 'X')).toBe(
      (await ask('file-never')).replaceAll('file-never', 'X'),
    )
  })

  test('is all that its list shows, over as many pages of the server as it takes', async () => {
    const strangers = Array.from({ length: 250 }, (_, i) => ({ id: `file-s${i}`, object: 'file' }))
    const all = [theirs, ...strangers, mine]
    services[0]!.answer = ({ path }, response) => {
      const query = new URL(path, 'http://x').searchParams
      const from = all.findIndex(({ id }) => id === query.get('after')) + 1
      const data = all.slice(from, from + 100)
      sendJson(response, { object: 'list', data, has_more: from + 100 < all.length })
    }
    expect(await Array.fromAsync(client.files.list())).toMatchObject([mine])
    expect(await Array.fromAsync(other.files.list())).toMatchObject([theirs])
    expect((await operator.files.list()).data).toHaveLength(100)
    const page = await (await call('/v1/files?limit=1')).json()
    expect(page).toMatchObject({ data: [mine], has_more: false, first_id: 'file-mine', last_id: 'file-mine' })
  })

  test('is the operator’s to see and to delete, whoever made it', async () => {
    answers(theirs)
    expect(await operator.files.retrieve('file-theirs')).toMatchObject(theirs)
    answers({ id: 'file-theirs', object: 'file', deleted: true })
    await operator.files.delete('file-theirs')
    await expect(other.files.retrieve('file-theirs')).rejects.toMatchObject(none)
  })

  test('a job made of it makes more of: its results are its owner’s', async () => {
    const job = { id: 'ftjob-9', object: 'fine_tuning.job', status: 'succeeded', result_files: ['file-result'] }
    answers({ ...job, result_files: [] })
    await client.fineTuning.jobs.create({ model: 'm', training_file: 'file-mine' })
    answers(job)
    for (const reach of [
      () => other.fineTuning.jobs.retrieve('ftjob-9'),
      () => other.fineTuning.jobs.cancel('ftjob-9'),
      () => other.fineTuning.jobs.listEvents('ftjob-9').then(page => page.data),
    ]) {
      await expect(reach()).rejects.toMatchObject(none)
    }
    expect(await client.fineTuning.jobs.retrieve('ftjob-9')).toMatchObject(job)
    services[0]!.answer = (_hit, response) => sendBody(response, 'text/csv', 'step,loss')
    expect(await (await client.files.content('file-result')).text()).toBe('step,loss')
    await expect(other.files.content('file-result')).rejects.toMatchObject(none)
  })

  test('stays its own when the node starts again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-kept-'))
    const keepers = () => upstreams.slice(0, 1).map(({ passage }) => passage!)
    const before = startPassing(keepers, { folder })
    before.passages.ownership.add('key:key-2', { kind: 'file', provider: 'keeper-0', id: 'file-old' })
    before.stop()
    const after = startPassing(keepers, { folder })
    const again = await serveLocally(upstreams[0]!, { passages: after.passages, verifyKey })
    answers({ id: 'file-old' })
    const ask = (key: string) => call('/v1/files/file-old', { headers: { authorization: `Bearer ${key}` } }, again)
    expect((await ask(localKey)).status).toBe(404)
    expect((await ask(otherKey)).status).toBe(200)
    await again.stop()
    after.stop()
    rmSync(folder, { recursive: true })
  })
})

describe('calls for what servers keep', () => {
  test('are told of by the event log like other calls', async () => {
    const { log } = passings[0]!
    answers({ id: 'file-abc' })
    const id = 'call-of-a-file'
    await call('/v1/files/file-abc', { headers: { 'x-request-id': id } })
    await call('/v1/files/file-none', { headers: { 'x-request-id': `${id}-2` } })
    const told = () => log.recent().filter(event => 'id' in event && event.id.startsWith(id))
    expect(await until(() => told().length === 4)).toBe(true)
    expect(told()).toMatchObject([
      { type: 'call.started', id, task: 'file', principal: 'key:key-1' },
      { type: 'call.ended', servedBy: 'keeper-0' },
      { type: 'call.started' },
      { type: 'call.failed', code: 'not_found' },
    ])
  })

  test('count among the calls of a key that may run at once', async () => {
    const passing = startPassing(() => [upstreams[0]!.passage!], { maxRunningPerPrincipal: 1 })
    const narrow = await serveLocally(upstreams[0]!, { passages: passing.passages, verifyKey })
    passing.passages.ownership.add('key:key-1', { kind: 'file', provider: 'keeper-0', id: 'file-abc' })
    const held = Promise.withResolvers<void>()
    services[0]!.answer = async (_hit, response) => {
      await held.promise
      sendJson(response, { id: 'file-abc' })
    }
    const first = call('/v1/files/file-abc', {}, narrow)
    expect(await until(() => services[0]!.hits.length === 1)).toBe(true)
    expect((await call('/v1/files/file-abc', {}, narrow)).status).toBe(503)
    held.resolve()
    expect((await first).status).toBe(200)
    expect((await call('/v1/files/file-abc', {}, narrow)).status).toBe(200)
    await narrow.stop()
    passing.stop()
  })

  test('wait a bounded time for a server that does not begin to answer, and for one that falls silent', async () => {
    services[0]!.answer = () => {}
    expect((await call('/v1/files/file-abc')).status).toBe(504)
    services[0]!.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'application/jsonl' }).write(lines)
    }
    const silent = await call('/v1/files/file-abc/content')
    await expect(silent.arrayBuffer()).rejects.toThrow()
    expect(await until(() => lastHit().gone.aborted)).toBe(true)
  })

  test('may be sent for longer than an answer may take to begin', async () => {
    answers({ id: 'file-slow' })
    const slowly = new ReadableStream({
      async pull(controller) {
        await sleep(150)
        if (++pieces > 5) controller.close()
        else controller.enqueue(lines.subarray(0, 1_000))
      },
    })
    let pieces = 0
    const sent = await call('/v1/files', { method: 'POST', body: slowly, duplex: 'half' } as RequestInit)
    expect(sent.status).toBe(200)
  })
})

describe('transfers', () => {
  const upload = (headers: Record<string, string | number>) => {
    const request = httpRequest(new URL('/v1/files', server.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${localKey}`, 'content-type': 'multipart/form-data; boundary=X', ...headers },
    })
    request.on('error', () => {})
    return request
  }

  test('are not held: the server hears the beginning of an upload before its end', async () => {
    services[0]!.isDeaf = true
    const before = services[0]!.begun()
    const request = upload({ 'content-length': 500_000_000 })
    request.write(Buffer.alloc(100_000))
    expect(await until(() => services[0]!.begun() > before)).toBe(true)
    request.destroy()
    services[0]!.isDeaf = false
    expect(await until(() => services[0]!.left() > 0)).toBe(true)
  })

  test('stop at the server when the caller leaves in the middle of an upload', async () => {
    services[0]!.isDeaf = true
    const before = services[0]!.begun()
    const request = upload({ 'transfer-encoding': 'chunked' })
    request.write(Buffer.alloc(100_000))
    expect(await until(() => services[0]!.begun() > before)).toBe(true)
    const left = services[0]!.left()
    request.destroy()
    services[0]!.isDeaf = false
    expect(await until(() => services[0]!.left() > left)).toBe(true)
  })

  test('stop at the server when the caller leaves in the middle of a download', async () => {
    services[0]!.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'application/jsonl' }).write(lines)
    }
    const gone = new AbortController()
    const response = await call('/v1/files/file-abc/content', { signal: gone.signal })
    await response.body!.getReader().read()
    gone.abort()
    expect(await until(() => lastHit().gone.aborted)).toBe(true)
  })

  test('that break off at the server never look whole', async () => {
    services[0]!.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'application/jsonl' }).write(lines)
      setTimeout(() => response.destroy(), 20)
    }
    const response = await call('/v1/files/file-abc/content')
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  test('of more than a gibibyte are refused before they begin', async () => {
    const request = upload({ 'content-length': 2 ** 30 + 1 })
    const status = new Promise(resolve => request.once('response', ({ statusCode }) => resolve(statusCode)))
    request.write('x')
    expect(await status).toBe(413)
    request.destroy()
  })

  test('to a server that refuses early tell its reason', async () => {
    services[0]!.answer = (_hit, response) => sendJson(response, { error: { message: 'too much', code: 'x' } }, 413)
    const body = new FormData()
    body.set('file', new Blob([lines]), 'a.jsonl')
    expect((await call('/v1/files', { method: 'POST', body })).status).toBe(413)
  })
})
