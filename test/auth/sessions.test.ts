import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSessions, hasRole, requireRole } from '../../src/auth/index.ts'
import { roles, systemRandom } from '../../src/core/index.ts'
import { type Postgres, postgresMissing, startPostgres } from '../postgres.ts'
import { startPeople } from './stage.ts'

const over = { code: 'unauthorized' }

async function loggedIn(url?: string) {
  const stage = await startPeople({ url })
  const user = await stage.makeUser()
  return { ...stage, user, pair: await stage.sessions.open(user, 'browser\r\nx: y\u001b[31m') }
}

describe('sessions', () => {
  test('an access token says who it is, with the role of now', async () => {
    const { sessions, store, user, pair } = await loggedIn()
    expect((await sessions.check(pair.accessToken)).user).toMatchObject({ id: user.id, role: 'user' })
    await store.users.update(user.id, { role: 'operator' })
    expect((await sessions.check(pair.accessToken)).user?.role).toBe('operator')
    expect((await store.sessions.list({ userId: user.id }, { page: 1, limit: 1 })).rows[0]?.userAgent).toBe(
      'browser??x: y?[31m',
    )
  })

  test('a refresh gives the next pair; both access tokens are good until they end', async () => {
    const { sessions, pair, clock } = await loggedIn()
    const next = await sessions.refresh(pair.refreshToken)
    expect(next.refreshToken).not.toBe(pair.refreshToken)
    await sessions.check(pair.accessToken)
    await sessions.check(next.accessToken)
    clock.move(16 * 60_000)
    await expect(sessions.check(next.accessToken)).rejects.toMatchObject(over)
    await sessions.refresh(next.refreshToken)
  })

  test('a refresh token that comes a second time ends its whole family, and is told', async () => {
    const { sessions, pair, reused, user } = await loggedIn()
    const next = await sessions.refresh(pair.refreshToken)
    const last = await sessions.refresh(next.refreshToken)
    await expect(sessions.refresh(pair.refreshToken)).rejects.toMatchObject(over)
    expect(reused).toEqual([user.id])
    await expect(sessions.refresh(last.refreshToken)).rejects.toMatchObject(over)
    for (const { accessToken } of [pair, next, last])
      await expect(sessions.check(accessToken)).rejects.toMatchObject(over)
  })

  test('logging out ends one session, and all of them if so wished, at once', async () => {
    const { sessions, pair, user } = await loggedIn()
    const other = await sessions.open(user, 'phone')
    const third = await sessions.open(user, 'tablet')
    await sessions.close(pair.refreshToken)
    await sessions.close('unknown')
    await expect(sessions.check(pair.accessToken)).rejects.toMatchObject(over)
    await expect(sessions.refresh(pair.refreshToken)).rejects.toMatchObject(over)
    await sessions.check(other.accessToken)
    expect(await sessions.closeAll(user.id)).toBe(2)
    for (const { accessToken, refreshToken } of [other, third]) {
      await expect(sessions.check(accessToken)).rejects.toMatchObject(over)
      await expect(sessions.refresh(refreshToken)).rejects.toMatchObject(over)
    }
  })

  test('what one node ends is over on another with the next request', async () => {
    const { sessions, pair, store, masterKey, tokens, clock } = await loggedIn()
    const elsewhere = createSessions({
      sessions: store.sessions,
      users: store.users,
      masterKey,
      tokens,
      clock,
      random: systemRandom,
    })
    await elsewhere.check(pair.accessToken)
    await sessions.close(pair.refreshToken)
    await expect(elsewhere.check(pair.accessToken)).rejects.toMatchObject(over)
  })

  test('a user who is disabled or gone is logged out', async () => {
    const { sessions, pair, store, user } = await loggedIn()
    await store.users.update(user.id, { status: 'disabled' })
    await expect(sessions.check(pair.accessToken)).rejects.toMatchObject(over)
    await expect(sessions.refresh(pair.refreshToken)).rejects.toMatchObject(over)
    await store.users.update(user.id, { status: 'active' })
    await sessions.check(pair.accessToken)
    await store.users.remove(user.id)
    await expect(sessions.check(pair.accessToken)).rejects.toMatchObject(over)
  })

  test('a session that is not used ends, and so does the oldest of very many', async () => {
    const { sessions, pair, user, clock } = await loggedIn()
    for (let index = 0; index < 100; index++) {
      clock.move(1)
      await sessions.open(user, 'many')
    }
    await expect(sessions.refresh(pair.refreshToken)).rejects.toMatchObject(over)
    const last = await sessions.open(user, 'last')
    clock.move(30 * 86_400_000)
    await expect(sessions.refresh(last.refreshToken)).rejects.toMatchObject(over)
  })

  test('what is no refresh token is refused', async () => {
    const { sessions, pair } = await loggedIn()
    for (const wrong of ['', 'x', 'a'.repeat(1_000_000), pair.accessToken, `${pair.refreshToken}x`]) {
      await expect(sessions.refresh(wrong)).rejects.toMatchObject(over)
    }
    await sessions.refresh(pair.refreshToken)
  })

  test('no token is in the store', async () => {
    const { store, pair } = await loggedIn()
    const files = [store.path, `${store.path}-wal`].map(file => readFileSync(file).toString('latin1')).join('')
    expect(files).not.toContain(pair.refreshToken)
    expect(files).not.toContain(pair.accessToken.split('.')[2])
  })
})

function reloads(start: () => ReturnType<typeof loggedIn>): void {
  test('an answer that never came is given again, as often as it is asked for, for a while', async () => {
    const { sessions, pair, clock, reused } = await start()
    const lost = await sessions.refresh(pair.refreshToken)
    clock.move(20_000)
    const again = await sessions.refresh(pair.refreshToken)
    const once = await sessions.refresh(pair.refreshToken)
    expect([again.refreshToken, once.refreshToken]).toEqual([lost.refreshToken, lost.refreshToken])
    for (const { accessToken } of [pair, lost, again]) await sessions.check(accessToken)
    const next = await sessions.refresh(again.refreshToken)
    expect((await sessions.refresh(lost.refreshToken)).refreshToken).toBe(next.refreshToken)
    expect(reused).toEqual([])
  })

  test('after that while it ends the family, and so it does once what came of it was used', async () => {
    const { sessions, pair, clock, user, reused } = await start()
    const next = await sessions.refresh(pair.refreshToken)
    clock.move(30_000)
    await expect(sessions.refresh(pair.refreshToken)).rejects.toMatchObject(over)
    await expect(sessions.refresh(next.refreshToken)).rejects.toMatchObject(over)
    const other = await sessions.open(user, 'phone')
    const used = await sessions.refresh(other.refreshToken)
    const last = await sessions.refresh(used.refreshToken)
    await expect(sessions.refresh(other.refreshToken)).rejects.toMatchObject(over)
    for (const { accessToken } of [next, used, last])
      await expect(sessions.check(accessToken)).rejects.toMatchObject(over)
    expect(reused).toEqual([user.id, user.id])
  })

  test('a session that was ended does not come back by a token of before', async () => {
    const { sessions, pair } = await start()
    const next = await sessions.refresh(pair.refreshToken)
    await sessions.close(next.refreshToken)
    await expect(sessions.refresh(pair.refreshToken)).rejects.toMatchObject(over)
    await expect(sessions.refresh(next.refreshToken)).rejects.toMatchObject(over)
  })

  test('of many who refresh with one token at once, all get the same pair, and there is one session', async () => {
    const { sessions, pair, store, user, reused } = await start()
    const pairs = await Promise.all(Array.from({ length: 10 }, () => sessions.refresh(pair.refreshToken)))
    expect(new Set(pairs.map(({ refreshToken }) => refreshToken)).size).toBe(1)
    for (const { accessToken } of pairs) await sessions.check(accessToken)
    expect((await store.sessions.list({ userId: user.id }, { page: 1, limit: 10 })).total).toBe(1)
    await sessions.refresh(pairs[0]!.refreshToken)
    expect(reused).toEqual([])
  })

  test('whoever lacks the key of the installation cannot tell the next token', async () => {
    const [one, other] = [await start(), await start()]
    const next = await one.sessions.refresh(one.pair.refreshToken)
    const elsewhere = createSessions({
      ...{ sessions: one.store.sessions, users: one.store.users, tokens: one.tokens, clock: one.clock },
      ...{ random: systemRandom, masterKey: other.masterKey },
    })
    await expect(elsewhere.refresh(one.pair.refreshToken)).rejects.toMatchObject(over)
    await expect(one.sessions.refresh(next.refreshToken)).rejects.toMatchObject(over)
  })
}

describe('pages that are loaded again, over SQLite', () => reloads(() => loggedIn()))

describe.skipIf(postgresMissing !== undefined)(`the same over PostgreSQL ${postgresMissing ?? ''}`, () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.remove())
  reloads(async () => await loggedIn(await server.createDatabase()))

  test('a session that is ended while it is being renewed stays over', async () => {
    const url = await server.createDatabase()
    const { sessions, store, user, pair } = await loggedIn(url)
    const own = () => store.sessions.list({ userId: user.id }, { page: 1, limit: 9 })
    const [row] = (await own()).rows
    const other = new Client({ connectionString: url })
    await other.connect()
    await other.query('begin')
    await other.query('update sessions set rotated_at = 1 where id = $1', [row!.id])
    await other.query(
      `insert into sessions (id, user_id, family, refresh_hash, created_at, expires_at, user_agent)
        select 'next', user_id, family, 'next', created_at, expires_at, user_agent from sessions where id = $1`,
      [row!.id],
    )
    const closing = sessions.close(pair.refreshToken)
    const waiting = 'select count(*)::int as count from pg_locks where not granted'
    await expect.poll(async () => (await other.query(waiting)).rows[0].count).toBe(1)
    await other.query('commit')
    await other.end()
    await closing
    expect((await own()).total).toBe(0)
  })
})

test('each role has the rights of those below it and no more', () => {
  const rights = roles.map(role => roles.filter(needed => hasRole(role, needed)))
  expect(rights).toEqual([
    ['user'],
    ['user', 'viewer'],
    ['user', 'viewer', 'operator'],
    ['user', 'viewer', 'operator', 'admin'],
  ])
  expect(() => requireRole('viewer', 'operator')).toThrow(/takes the role operator/)
})
