import { beforeEach, describe, expect, test } from 'vitest'
import { type Role, roles } from '../../../src/core/index.ts'
import { adminToken, type Stage, startStage, unknownId } from './stage.ts'

interface Operation {
  readonly 'x-role': Role | 'public'
  readonly 'x-takes-api-keys'?: boolean
}

let stage: Stage
let routes: { route: string; operation: Operation }[]

beforeEach(async () => {
  stage = await startStage()
  const { body } = await stage.ask('GET /openapi.json')
  routes = Object.entries<Record<string, Operation>>(body.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const own = path.replace('/api', '').replaceAll(/\{\w+\}/g, unknownId)
      return { route: `${method.toUpperCase()} ${own}`, operation }
    }),
  )
})

/** Streams never end by themselves. */
const streams = ['GET /events']

/** How it begins; then it is left. */
async function begin(route: string, token: string): Promise<{ readonly status: number }> {
  const leave = new AbortController()
  const [, path] = route.split(' ')
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await fetch(`${stage.url}/api${path}`, { headers, signal: leave.signal })
  leave.abort()
  return { status }
}

describe('who may ask', () => {
  test('every route is in the table', () => {
    expect(routes.length).toBeGreaterThan(60)
    expect(routes.filter(({ operation }) => operation['x-role'] === undefined)).toEqual([])
  })

  test('every route takes those of its role and above, and nobody else', async () => {
    const wrong: string[] = []
    for (const { route, operation } of routes) {
      const needed = operation['x-role']
      for (const role of roles) {
        if (needed === 'public') continue
        // A body that fits nothing is refused only after the role was looked at.
        const body = /^(?:POST|PUT)/.test(route) ? { no: 'such field' } : undefined
        const token = stage.tokens[role]
        const { status } = streams.includes(route) ? await begin(route, token) : await stage.ask(route, { token, body })
        const isLet = roles.indexOf(role) >= roles.indexOf(needed)
        const wasLet = status !== 403 && status !== 401
        // Logging out is a right of everybody: tokens that ended with the session are not held against the table.
        if (isLet !== wasLet) wrong.push(`${route} as ${role}: ${status}`)
        if (route === 'DELETE /sessions') await renew(role)
      }
    }
    expect(wrong).toEqual([])
  })

  test('without a token, or with a wrong one, nothing opens', async () => {
    const key = await stage.makeKey()
    const wrong: string[] = []
    for (const { route, operation } of routes) {
      if (operation['x-role'] === 'public') continue
      const tokens = [undefined, 'nonsense', 'a.b.c', `${stage.tokens.admin}x`, 'sk-parley-unknown']
      for (const token of tokens) {
        const { status, headers } = await stage.ask(route, { token })
        if (status !== 401) wrong.push(`${route} with ${token}: ${status}`)
        expect(headers.get('www-authenticate')).toBe('Bearer')
      }
      if (operation['x-takes-api-keys'] === true) continue
      const { status } = await stage.ask(route, { token: key.secret })
      if (status !== 403) wrong.push(`${route} with an API key: ${status}`)
    }
    expect(wrong).toEqual([])
  })

  test('the token of the run directory is an admin', async () => {
    const { body } = await stage.ask('GET /auth/me', { token: adminToken })
    expect(body).toEqual({ kind: 'machine', role: 'admin', user: null, key: null })
    expect((await stage.ask('GET /users', { token: adminToken })).body.total).toBe(4)
  })

  test('pages of other origins are refused before anything else', async () => {
    const foreign = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of foreign) {
      const { status } = await stage.ask('GET /providers', { token: stage.tokens.admin, headers })
      expect(status).toBe(403)
    }
  })

  test('who was disabled, demoted or logged out is so with the next request', async () => {
    const { admin, operator, viewer } = stage.tokens
    const update = async (role: Role, change: object) =>
      expect((await stage.ask(`PUT /users/${stage.people[role].user.id}`, { token: admin, body: change })).status).toBe(
        200,
      )
    expect((await stage.ask('POST /cache/purge', { token: operator, body: {} })).status).toBe(204)
    await update('operator', { role: 'viewer' })
    expect((await stage.ask('POST /cache/purge', { token: operator, body: {} })).status).toBe(403)
    await update('viewer', { status: 'disabled' })
    expect((await stage.ask('GET /providers', { token: viewer })).status).toBe(401)
    await update('viewer', { status: 'active' })
    expect((await stage.ask('GET /providers', { token: viewer })).status).toBe(401)
  })
})

async function renew(role: Role): Promise<void> {
  const { user } = stage.people[role]
  const { accessToken } = await stage.auth.sessions.open(user, 'test')
  Object.assign(stage.tokens, { [role]: accessToken })
}
