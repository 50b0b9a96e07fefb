import { Secret, TOTP } from 'otpauth'
import { describe, expect, test } from 'vitest'
import { adminToken, password, type Stage, startStage, unknownId } from './stage.ts'

const email = 'operator@example.com'

function codeOf(secret: string, stepsAhead = 0): string {
  const totp = new TOTP({ secret: Secret.fromBase32(secret), digits: 6, period: 30 })
  return totp.generate({ timestamp: Date.now() + stepsAhead * 30_000 })
}

async function me(stage: Stage, token: string): Promise<number> {
  return (await stage.ask('GET /auth/me', { token })).status
}

describe('the first admin', () => {
  test('is made once, by the token alone, and there is no password before', async () => {
    const stage = await startStage()
    for (const { id } of (await stage.store.users.list({}, { page: 1, limit: 10 })).rows)
      await stage.store.users.remove(id)
    const setup = await stage.auth.firstRun.token()
    const person = { email: 'Root@Example.com', name: 'root', password: 'a long enough password' }
    const ask = (body: object) => stage.ask('POST /auth/setup', { body })
    expect((await ask({ ...person, token: 'guess' })).status).toBe(401)
    expect((await ask({ ...person, token: setup, password: '123456' })).status).toBe(400)
    const several = await Promise.all(
      [1, 2, 3].map(at => ask({ ...person, email: `root${at}@example.com`, token: setup })),
    )
    expect(several.map(({ status }) => status).sort()).toEqual([201, 409, 409])
    const token = several.find(({ status }) => status === 201)!.body.accessToken
    const self = (await stage.ask('GET /auth/me', { token })).body
    expect(self).toMatchObject({ kind: 'user', role: 'admin', user: { name: 'root', totp: false } })
    expect((await ask({ ...person, token: setup })).status).toBe(409)
  })
})

describe('logging in', () => {
  test('gives a pair, whose refresh token is good once and gives away who uses it twice', async () => {
    const stage = await startStage()
    const first = (await stage.ask('POST /auth/login', { body: { email: 'OPERATOR@example.com', password } })).body
    expect(await me(stage, first.accessToken)).toBe(200)
    const refresh = (refreshToken: string) => stage.ask('POST /auth/refresh', { body: { refreshToken } })
    const second = (await refresh(first.refreshToken)).body
    expect(await me(stage, second.accessToken)).toBe(200)
    expect((await refresh(first.refreshToken)).body.refreshToken).toBe(second.refreshToken)
    const third = (await refresh(second.refreshToken)).body
    expect((await refresh(first.refreshToken)).status).toBe(401)
    expect(await me(stage, third.accessToken)).toBe(401)
    expect((await refresh(third.refreshToken)).status).toBe(401)
  })

  test('ends at once when one logs out', async () => {
    const stage = await startStage()
    const { body } = await stage.ask('POST /auth/login', { body: { email, password } })
    expect((await stage.ask('POST /auth/logout', { body: { refreshToken: body.refreshToken } })).status).toBe(204)
    expect(await me(stage, body.accessToken)).toBe(401)
    expect((await stage.ask('POST /auth/refresh', { body: { refreshToken: body.refreshToken } })).status).toBe(401)
    expect((await stage.ask('POST /auth/logout', { body: {} })).status).toBe(204)
  })

  test('keeps the refresh token in a cookie no script and no other page can use', async () => {
    const stage = await startStage()
    const said = await stage.ask('POST /auth/login', { body: { email, password, cookie: true } })
    expect(said.body.refreshToken).toBeNull()
    const set = said.headers.get('set-cookie')!
    expect(set).toMatch(/^parley_refresh_\d+=[\w-]{43}; Max-Age=\d+; Path=\/api\/auth; HttpOnly; SameSite=Strict$/)
    const cookie = set.split(';')[0]!
    const { cookieKey } = said.body
    for (const body of [{}, { cookieKey: 'x' }, { refreshToken: cookie.split('=')[1] }])
      expect((await stage.ask('POST /auth/refresh', { body, headers: { cookie } })).status).toBe(401)
    expect((await stage.ask('POST /auth/refresh', { body: { refreshToken: cookieKey } })).status).toBe(401)
    const headers = { cookie: `other=1; ${cookie}` }
    const refreshed = await stage.ask('POST /auth/refresh', { body: { cookieKey }, headers })
    expect([refreshed.status, refreshed.body.cookieKey]).toEqual([200, cookieKey])
    expect(refreshed.body.refreshToken).toBeNull()
    const next = refreshed.headers.get('set-cookie')!.split(';')[0]!
    const foreign = await stage.ask('POST /auth/refresh', {
      body: { cookieKey },
      headers: { cookie: next, origin: 'https://evil.example' },
    })
    expect(foreign.status).toBe(403)
    const plain = { cookie: next, 'content-type': 'text/plain' }
    expect((await stage.ask('POST /auth/refresh', { body: '{}', headers: plain })).status).toBe(400)
    const out = await stage.ask('POST /auth/logout', { body: { cookieKey }, headers: { cookie: next } })
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0')
    expect(await me(stage, refreshed.body.accessToken)).toBe(401)
  })

  test('is throttled, in the same words for accounts that are not there', async () => {
    const stage = await startStage()
    const ask = (who: string) => stage.ask('POST /auth/login', { body: { email: who, password: 'wrong password' } })
    const [known, unknown] = [await ask(email), await ask('nobody@example.com')]
    expect([known.status, unknown.status]).toEqual([401, 401])
    expect(known.text).toBe(unknown.text)
    const statuses: number[] = []
    for (let at = 0; at < 10; at++) statuses.push((await ask(email)).status)
    expect(statuses.at(-1)).toBe(429)
    const right = await stage.ask('POST /auth/login', { body: { email, password } })
    expect(right.status).toBe(429)
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('takes a code once a second factor was set up', async () => {
    const stage = await startStage()
    const token = stage.tokens.operator
    const enrolment = (await stage.ask('POST /auth/totp', { token })).body
    expect(enrolment.uri).toMatch(/^otpauth:\/\/totp\//)
    expect((await stage.ask('POST /auth/totp/confirm', { token, body: { code: '000000' } })).status).toBe(401)
    const code = codeOf(enrolment.secret)
    expect((await stage.ask('POST /auth/totp/confirm', { token, body: { code } })).status).toBe(204)
    const login = (more: object) => stage.ask('POST /auth/login', { body: { email, password, ...more } })
    const asked = await login({})
    expect([asked.status, asked.body.error.details]).toEqual([401, { needs: 'totp' }])
    expect((await login({ code })).status).toBe(401)
    expect((await login({ code: codeOf(enrolment.secret, 1) })).status).toBe(200)
    expect(stage.heard().split(enrolment.secret)).toHaveLength(3)
  })

  test('takes no code any more once that was taken away, which takes one', async () => {
    const stage = await startStage()
    const token = stage.tokens.operator
    const { secret } = (await stage.ask('POST /auth/totp', { token })).body
    await stage.ask('POST /auth/totp/confirm', { token, body: { code: codeOf(secret) } })
    expect((await stage.ask('POST /auth/totp', { token })).status).toBe(409)
    const remove = (code: string) => stage.ask('POST /auth/totp/remove', { token, body: { code } })
    expect((await remove('000000')).status).toBe(401)
    expect((await remove(codeOf(secret, 1))).status).toBe(204)
    expect((await stage.ask('POST /auth/login', { body: { email, password } })).status).toBe(200)
  })

  test('by a new password ends every other session', async () => {
    const stage = await startStage()
    const token = stage.tokens.operator
    const change = (current: string, next: string) =>
      stage.ask('POST /auth/password', { token, body: { current, next } })
    expect((await change('wrong password', 'another long password')).status).toBe(401)
    expect((await change(password, 'short')).status).toBe(400)
    const { body, status } = await change(password, 'another long password')
    expect(status).toBe(200)
    expect([await me(stage, token), await me(stage, body.accessToken)]).toEqual([401, 200])
    expect((await stage.ask('POST /auth/login', { body: { email, password } })).status).toBe(401)
    expect((await stage.ask('POST /auth/password/forgot', { body: { email } })).status).toBe(501)
  })
})

describe('the page of the node', () => {
  const redeem = (stage: Stage, code: string, more: object = {}) =>
    stage.ask('POST /auth/link/redeem', { body: { code, ...more } })

  async function codeFrom(stage: Stage): Promise<string> {
    const said = await stage.ask('POST /auth/link', { token: adminToken })
    expect(said.status).toBe(200)
    expect(said.body.code).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$/)
    return said.body.code
  }

  test('opens once by a code, also one that somebody typed, as the machine', async () => {
    const stage = await startStage()
    const code = await codeFrom(stage)
    const typed = ` ${code.toLowerCase().replace('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `
    const tries = await Promise.all([1, 2, 3].map(() => redeem(stage, typed)))
    expect(tries.map(({ status }) => status).sort()).toEqual([200, 401, 401])
    const pass = tries.find(({ status }) => status === 200)!.body
    const token = pass.accessToken
    expect((await stage.ask('GET /auth/me', { token })).body).toEqual({
      ...{ kind: 'machine', role: 'admin', user: null, key: null },
    })
    expect((await redeem(stage, code)).status).toBe(401)
    expect((await stage.ask('GET /users', { token })).body.total).toBe(4)
    const [session, ...others] = (await stage.ask('GET /sessions', { token })).body.data
    expect([session, others]).toMatchObject([{ userId: null, current: true }, []])
    const second = (await stage.ask('POST /auth/refresh', { body: { refreshToken: pass.refreshToken } })).body
    expect([await me(stage, token), await me(stage, second.accessToken)]).toEqual([200, 200])
    expect((await stage.ask('POST /auth/logout', { body: { refreshToken: second.refreshToken } })).status).toBe(204)
    expect([await me(stage, token), await me(stage, second.accessToken)]).toEqual([401, 401])
    expect(stage.heard()).not.toContain(code.replace('-', ''))
  })

  test('keeps its session by the cookie, and ends it where its token comes twice', async () => {
    const stage = await startStage()
    const said = await redeem(stage, await codeFrom(stage), { cookie: true })
    expect(said.body.refreshToken).toBeNull()
    const cookie = said.headers.get('set-cookie')!.split(';')[0]!
    const { cookieKey } = said.body
    const refresh = (cookie: string) => stage.ask('POST /auth/refresh', { body: { cookieKey }, headers: { cookie } })
    const { status, body, headers } = await refresh(cookie)
    expect([status, await me(stage, body.accessToken)]).toEqual([200, 200])
    // The page was loaded again before it had the cookie of the first answer.
    const set = headers.get('set-cookie')!
    expect((await refresh(cookie)).headers.get('set-cookie')?.split(';')[0]).toBe(set.split(';')[0])
    expect((await refresh(set.split(';')[0]!)).status).toBe(200)
    expect((await refresh(cookie)).status).toBe(401)
    expect(await me(stage, body.accessToken)).toBe(401)
  })

  test('sessions of it are ended one by one, all at once, and by nobody who is no admin', async () => {
    const stage = await startStage()
    const [one, other] = [await redeem(stage, await codeFrom(stage)), await redeem(stage, await codeFrom(stage))]
    const token = one.body.accessToken
    const { data } = (await stage.ask('GET /sessions', { token })).body
    const otherId = data.find(({ current }: { current: boolean }) => !current).id
    for (const role of ['user', 'viewer', 'operator'] as const) {
      expect((await stage.ask(`DELETE /sessions/${otherId}`, { token: stage.tokens[role] })).status).toBe(404)
      expect((await stage.ask('GET /sessions', { token: stage.tokens[role] })).body.total).toBe(1)
    }
    expect((await stage.ask(`DELETE /sessions/${otherId}`, { token })).status).toBe(204)
    expect([await me(stage, other.body.accessToken), await me(stage, token)]).toEqual([401, 200])
    expect((await stage.ask('DELETE /sessions', { token: adminToken })).body).toEqual({ ended: 1 })
    expect(await me(stage, token)).toBe(401)
    expect(await me(stage, stage.tokens.admin)).toBe(200)
  })

  test('gives codes to the token of the run directory alone', async () => {
    const stage = await startStage()
    const machine = (await redeem(stage, await codeFrom(stage))).body.accessToken
    for (const token of [machine, stage.tokens.admin]) {
      expect((await stage.ask('POST /auth/link', { token })).status).toBe(403)
    }
  })

  test('is guessed no more often than a password, and there are few codes at a time', async () => {
    const stage = await startStage()
    const good = await codeFrom(stage)
    for (let guess = 0; guess < 10; guess++) expect((await redeem(stage, `00000-0000${guess % 10}`)).status).toBe(401)
    const late = await redeem(stage, good)
    expect([late.status, Number(late.headers.get('retry-after'))]).toEqual([429, expect.any(Number)])
    const made = await Promise.all(
      Array.from({ length: 60 }, () => stage.ask('POST /auth/link', { token: adminToken, body: {} })),
    )
    expect(made.filter(({ status }) => status === 200)).toHaveLength(49)
    expect(made.filter(({ status }) => status === 429)).toHaveLength(11)
  })

  test('says by what ways one comes in', async () => {
    const open = { config: { management: { signUp: { enabled: true } } } }
    const [stage, signUp] = [await startStage(), await startStage(open)]
    expect((await stage.ask('GET /auth/state')).body).toEqual({ users: true, signUp: false, mail: false })
    for (const { id } of (await signUp.store.users.list({}, { page: 1, limit: 10 })).rows)
      await signUp.store.users.remove(id)
    expect((await signUp.ask('GET /auth/state')).body).toEqual({ users: false, signUp: true, mail: false })
  })
})

describe('signing up', () => {
  const person = { email: 'new@example.com', name: 'new', password: 'a long enough password' }

  test('is refused where it is not open', async () => {
    const stage = await startStage()
    expect((await stage.ask('POST /auth/signup', { body: person })).status).toBe(403)
  })

  test('makes an account that sees its own things alone', async () => {
    const stage = await startStage({
      config: {
        management: { signUp: { enabled: true, domains: ['example.com'], budget: '2.5', priceMultiplier: 1.2 } },
      },
    })
    const { body } = await stage.ask('POST /auth/signup', { body: person })
    expect(body).toMatchObject({ state: 'done', pass: { refreshToken: expect.any(String) } })
    const token = body.pass.accessToken
    expect((await stage.ask('GET /auth/me', { token })).body).toMatchObject({
      role: 'user',
      user: { email: person.email, priceMultiplier: 1_200 },
    })
    expect((await stage.ask('GET /auth/me', { token: body.secret })).body).toMatchObject({ kind: 'key', user: null })
    const keys = (await stage.ask('GET /keys', { token })).body
    expect(keys).toMatchObject({ total: 1, data: [{ rpm: 60 }] })
    const [own] = keys.data
    expect((await stage.ask('POST /keys', { token, body: { name: 'second', rpm: 1_000 } })).status).toBe(403)
    const made = await stage.ask('POST /keys', { token, body: { name: 'second', models: ['small'] } })
    expect(made.body.key).toMatchObject({ name: 'second', userId: own.userId, models: ['small'] })
    expect((await stage.ask(`PUT /keys/${own.id}`, { token, body: { rpm: null } })).status).toBe(403)
    expect((await stage.ask(`PUT /keys/${own.id}`, { token, body: { name: 'mine' } })).body.name).toBe('mine')
    const other = await stage.makeKey()
    for (const route of [`GET /keys/${other.id}`, `DELETE /keys/${other.id}`]) {
      expect((await stage.ask(route, { token })).status).toBe(404)
    }
    expect((await stage.ask(`DELETE /keys/${own.id}`, { token })).status).toBe(204)
    expect((await stage.ask('GET /auth/me', { token: body.secret })).status).toBe(401)
    expect((await stage.ask('POST /auth/signup', { body: person })).status).toBe(409)
  })
})

describe('users', () => {
  test('are invited, choose a password, and are gone with their sessions and keys', async () => {
    const stage = await startStage()
    const token = stage.tokens.admin
    const guest = { email: 'guest@example.com', name: 'guest', role: 'viewer' }
    const { body } = await stage.ask('POST /users', { token, body: guest })
    expect(body.user).toMatchObject({ ...guest, status: 'invited' })
    expect((await stage.ask('POST /users', { token, body: guest })).status).toBe(409)
    const renewed = (await stage.ask(`POST /users/${body.user.id}/invite`, { token })).body
    const accept = (invitation: string) =>
      stage.ask('POST /auth/invitation', { body: { token: invitation, password: 'a long enough password' } })
    const pass = (await accept(renewed.invitation)).body
    expect(await me(stage, pass.accessToken)).toBe(200)
    expect((await accept(body.invitation)).status).toBe(409)
    const key = await stage.makeKey(body.user.id)
    expect(await me(stage, key.secret)).toBe(200)
    const path = `/users/${body.user.id}`
    expect((await stage.ask(`PUT ${path}`, { token, body: { password: 'set by an admin' } })).status).toBe(200)
    expect(await me(stage, pass.accessToken)).toBe(401)
    expect((await stage.ask(`DELETE ${path}`, { token })).status).toBe(204)
    expect(await me(stage, key.secret)).toBe(401)
    expect((await stage.ask(`GET ${path}`, { token })).status).toBe(404)
    const direct = { ...guest, email: 'direct@example.com', password: 'a long enough password' }
    expect((await stage.ask('POST /users', { token, body: direct })).body).toMatchObject({ invitation: null })
    const weak = { ...guest, email: 'weak@example.com', password: 'weak' }
    expect((await stage.ask('POST /users', { token, body: weak })).status).toBe(400)
    expect((await stage.ask('GET /users?role=viewer', { token })).body.total).toBe(2)
  })

  test('always have an admin among them', async () => {
    const stage = await startStage()
    const { id } = stage.people.admin.user
    const change = (body: object) => stage.ask(`PUT /users/${id}`, { token: adminToken, body })
    expect((await change({ role: 'viewer' })).status).toBe(409)
    expect((await change({ status: 'disabled' })).status).toBe(409)
    expect((await stage.ask(`DELETE /users/${id}`, { token: adminToken })).status).toBe(409)
    const other = stage.people.operator.user.id
    await stage.ask(`PUT /users/${other}`, { token: adminToken, body: { role: 'admin' } })
    expect((await stage.ask(`DELETE /users/${other}`, { token: stage.tokens.operator })).status).toBe(409)
    const both = await Promise.all(
      [id, other].map(each => stage.ask(`PUT /users/${each}`, { token: adminToken, body: { role: 'viewer' } })),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
  })
})

test('sessions are seen and ended by their owner and by admins', async () => {
  const stage = await startStage()
  const { viewer, user, admin } = stage.tokens
  const login = (await stage.ask('POST /auth/login', { body: { email: 'viewer@example.com', password } })).body
  const mine = (await stage.ask('GET /sessions', { token: login.accessToken })).body
  expect(mine.data.map(({ current }: { current: boolean }) => current).sort()).toEqual([false, true])
  const other = mine.data.find(({ current }: { current: boolean }) => !current)
  const userId = stage.people.viewer.user.id
  expect((await stage.ask(`GET /sessions?userId=${userId}`, { token: user })).status).toBe(403)
  expect((await stage.ask(`DELETE /sessions/${other.id}`, { token: user })).status).toBe(404)
  expect((await stage.ask(`DELETE /sessions/${other.id}`, { token: login.accessToken })).status).toBe(204)
  expect(await me(stage, viewer)).toBe(401)
  expect((await stage.ask(`GET /sessions?userId=${userId}`, { token: admin })).body.total).toBe(1)
  expect((await stage.ask(`DELETE /sessions?userId=${userId}`, { token: admin })).body).toEqual({ ended: 1 })
  expect(await me(stage, login.accessToken)).toBe(401)
  expect((await stage.ask('GET /sessions', { token: adminToken })).body).toMatchObject({ total: 0 })
  expect((await stage.ask(`DELETE /sessions/${unknownId}`, { token: admin })).status).toBe(404)
})
