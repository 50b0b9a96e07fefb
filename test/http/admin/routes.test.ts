import { hash } from 'node:crypto'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeEach, describe, expect, test } from 'vitest'
import { adminToken, checkerOf, type Stage, startStage, unknownId } from './stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await startStage()
})

const token = adminToken

describe('the router', () => {
  test('tells a wrong method from a wrong path', async () => {
    const ways: [string, number, string | null][] = [
      ['PATCH /providers', 405, 'GET, HEAD, POST'],
      ['DELETE /configs/export', 405, 'GET, HEAD'],
      ['OPTIONS /keys', 405, 'GET, HEAD, POST'],
      ['PROPFIND /keys', 405, 'GET, HEAD, POST'],
      [`POST /users/${unknownId}`, 405, 'GET, HEAD, PUT, DELETE'],
      ['GET /nothing/here', 404, null],
      ['GET /providers/x/y/z', 404, null],
    ]
    for (const [route, status, allow] of ways) {
      const said = await stage.ask(route, { token })
      expect([said.status, said.headers.get('allow')], route).toEqual([status, allow])
      expect(said.body.error.message).toBeTruthy()
    }
  })

  test('takes a slash at the end, HEAD for GET, and escapes in ids', async () => {
    expect((await stage.ask('GET /providers/', { token })).status).toBe(200)
    const head = await stage.ask('HEAD /providers', { token })
    expect([head.status, head.text]).toEqual([200, ''])
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(10)
    expect((await stage.ask('GET /providers/a%2Fb', { token })).status).toBe(400)
    expect((await stage.ask(`GET /providers/${unknownId.replace('0', '%30')}`, { token })).status).toBe(404)
    expect((await stage.ask('GET /providers/%E0%A4', { token })).status).toBe(400)
    expect((await stage.ask('GET /keys/key-0123456789abcdef', { token })).status).toBe(404)
    expect((await stage.ask('GET /keys/7', { token })).status).toBe(400)
  })

  test('names the field that is wrong', async () => {
    const wrong: [string, unknown, string][] = [
      ['POST /keys', { name: 'x', colour: 'red' }, 'colour'],
      ['POST /keys', {}, 'name'],
      ['POST /keys', { name: 'x', rpm: -1 }, 'rpm'],
      ['POST /keys', { name: 'x', preset: { sistem: 'x' } }, 'preset.sistem'],
      ['POST /budgets', { scope: 'node', window: 'day', amount: '-1' }, 'amount'],
      ['POST /budgets', { scope: 'key', window: 'day', amount: '1' }, 'scopeId'],
      ['PUT /logs/level', { level: 'loud' }, 'level'],
      ['GET /providers?page=0', undefined, 'page'],
      ['GET /providers?limit=none', undefined, 'limit'],
      ['GET /providers?colour=red', undefined, 'colour'],
      ['GET /providers?type=api&type=web', undefined, 'type'],
    ]
    for (const [route, body, param] of wrong) {
      const said = await stage.ask(route, { token, body })
      expect([said.status, said.body.error.param], route).toEqual([400, param])
    }
  })

  test('says what is wrong and what would be right', async () => {
    const api = { type: 'api', name: 'A', config: { url: 'https://x.example' } }
    const wrong: [string, unknown, string][] = [
      ['POST /providers', {}, 'type is none of api, web; send one of them'],
      ['POST /providers', { ...api, type: 'peer' }, 'type is none of api, web; send one of them'],
      ['POST /providers', { ...api, status: 'on' }, 'status is none of active, disabled; send one of them'],
      ['POST /providers', { ...api, config: 'x' }, 'config is not an object; send one'],
      ['POST /providers', [], 'the body is not an object; send one'],
      ['POST /budgets', { scope: 'node', window: 'day', amount: 1.5 }, 'amount is not a text; send one'],
      ['POST /keys', { name: '' }, 'name is too small; send at least 1 characters'],
      ['POST /keys', { name: 'x', expiresAt: 'tomorrow' }, 'expiresAt is no time with its zone; send one'],
      ['GET /providers?limit=0', undefined, 'limit is too small; send at least 1'],
      ['GET /providers/7', undefined, 'id is no UUID; send one'],
      [
        'GET /logs?from=yesterday',
        undefined,
        'from is no time: write 2026-03-14T12:00:00Z, 2026-03-14 or Unix milliseconds',
      ],
    ]
    for (const [route, body, message] of wrong) {
      const said = await stage.ask(route, { token, body })
      expect([said.status, said.body.error.message], route).toEqual([400, message])
    }
  })

  test('takes no body for an empty one where nothing has to be said, and a plus in a zone as it is', async () => {
    expect((await stage.ask('POST /cache/purge', { token })).status).toBe(204)
    expect((await stage.ask('POST /reload', { token })).status).toBe(200)
    expect((await stage.ask('POST /keys', { token })).status).toBe(400)
    const { body } = await stage.ask('GET /openapi.json')
    expect(body.paths['/api/cache/purge'].post.requestBody.required).toBe(false)
    expect(body.paths['/api/keys'].post.requestBody.required).toBe(true)
    expect((await stage.ask('GET /logs?from=2026-03-14T12:00:00+01:00', { token })).status).toBe(200)
  })

  test('is not kept and not shown in pages of others', async () => {
    const { headers } = await stage.ask('GET /status', { token })
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })
})

describe('the document', () => {
  test('is OpenAPI 3.1 whose every schema holds, and names every route once', async () => {
    const { body } = await stage.ask('GET /openapi.json')
    expect(body.openapi).toBe('3.1.0')
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema({ $id: 'api', ...body })
    for (const name of Object.keys(body.components.schemas)) ajv.compile({ $ref: `api#/components/schemas/${name}` })
    const operations = Object.values<Record<string, { operationId: string }>>(body.paths).flatMap(Object.values)
    const ids = operations.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(JSON.stringify(body)).not.toContain('#/$defs/')
  })

  test('is what answers are held against, and finds those that do not fit', async () => {
    const { body: document } = await stage.ask('GET /openapi.json')
    const check = checkerOf(document)
    const said = await stage.ask('GET /providers', { token })
    expect(check('GET', '/providers', said)).toBeUndefined()
    const misfits = [
      { ...said.body, extra: 1 },
      { ...said.body, total: '0' },
      { data: [{}], total: 1, page: 1, limit: 1 },
    ]
    for (const body of misfits) expect(check('GET', '/providers', { ...said, body })).toMatch(/^GET \/providers: /)
    expect(check('GET', '/providers', { ...said, status: 418, body: {} })).toMatch(/error/)
    expect(check('GET', '/nowhere', said)).toMatch(/not in the document/)
  })

  test('is a page that loads nothing and runs nothing', async () => {
    const { text, headers } = await stage.ask('GET /docs')
    expect(headers.get('content-type')).toContain('text/html')
    const policy = headers.get('content-security-policy')!
    const style = /<style>([\s\S]*?)<\/style>/.exec(text)![1]!
    expect(policy).toContain(`style-src 'sha256-${hash('sha256', style, 'base64')}'`)
    expect(policy).toContain("default-src 'none'")
    expect(text).not.toMatch(/<script|<link|<img|https?:\/\/|style="|\son\w+=/i)
    const { body } = await stage.ask('GET /openapi.json')
    for (const path of Object.keys(body.paths)) expect(text).toContain(path)
    for (const [, name] of text.matchAll(/href="#(\w+)"/g)) expect(text).toContain(`id="${name}"`)
    expect(text).toContain('<code>details.needs</code>')
  })
})
