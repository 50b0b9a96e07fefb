import { expect, test } from 'vitest'
import { type KeyRow, type NewProvider, type NewUser, type Page, ParleyError } from '../../../src/core/index.ts'
import { noon } from './calls.ts'
import { onBoth } from './stage.ts'

const first: Page = { page: 1, limit: 10 }
const provider = (name: string, more: Partial<NewProvider> = {}): NewProvider => ({
  name,
  type: 'api',
  provider: 'openai-compatible',
  config: { url: 'http://localhost' },
  ...more,
})
const user = (email: string): NewUser => ({ email, name: 'Ada', role: 'viewer' })
const code = (expected: string) => expect.objectContaining({ code: expected })
const ids = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id)

onBoth('what is managed', stage => {
  test('a provider is made, read, changed and deleted; its name is free again, its row stays', async () => {
    const { providers } = await stage.open()
    const made = await providers.create(provider('one', { secret: 'sealed', secretTail: 'abcd' }))
    expect(made).toMatchObject({ name: 'one', status: 'active', createdAt: noon, updatedAt: noon, deletedAt: null })
    expect(await providers.get(made.id)).toEqual(made)
    expect(await providers.find('one')).toEqual(made)
    stage.clock.time += 5
    const changed = await providers.update(made.id, { name: 'two', config: { url: 'http://two' } })
    expect(changed).toEqual({ ...made, name: 'two', config: { url: 'http://two' }, updatedAt: noon + 5 })
    await providers.remove(made.id)
    expect(await providers.get(made.id)).toMatchObject({ deletedAt: noon + 5, secret: null, secretTail: null })
    expect(await providers.find('two')).toBeUndefined()
    expect(await providers.list({}, first)).toEqual({ rows: [], total: 0 })
    await expect(providers.update(made.id, { name: 'three' })).rejects.toThrow(code('not_found'))
    await expect(providers.remove(made.id)).rejects.toThrow(code('not_found'))
    await expect(providers.create(provider('two'))).resolves.toMatchObject({ name: 'two' })
  })

  test('a name that is taken is refused, whoever else has it', async () => {
    const { providers } = await stage.open()
    await providers.create(provider('one'))
    const other = await providers.create(provider('two'))
    await expect(providers.create(provider('one'))).rejects.toThrow(code('conflict'))
    await expect(providers.update(other.id, { name: 'one' })).rejects.toThrow(code('conflict'))
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => providers.create(provider('same'))))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('filters and pages give exactly what was asked for, in the order it was made', async () => {
    const { providers } = await stage.open()
    const made = []
    for (let at = 0; at < 25; at++) {
      stage.clock.time += 1
      const type = at % 2 === 0 ? 'api' : 'web'
      made.push(await providers.create(provider(`p${at}`, { type, status: at % 5 === 0 ? 'disabled' : 'active' })))
    }
    const listed = await providers.list({}, { page: 2, limit: 10 })
    expect(listed).toEqual({ rows: made.slice(10, 20), total: 25 })
    const web = made.filter(({ type }) => type === 'web')
    expect(await providers.list({ type: 'web' }, { page: 1, limit: 100 })).toEqual({ rows: web, total: 12 })
    const both = await providers.list({ type: 'web', status: 'disabled' }, first)
    expect(ids(both.rows)).toEqual(ids(web.filter(({ status }) => status === 'disabled')))
    expect(await providers.list({}, { page: 4, limit: 10 })).toEqual({ rows: [], total: 25 })
    for (const page of [
      { page: 0, limit: 10 },
      { page: 1.5, limit: 10 },
      { page: 1, limit: 0 },
      { page: 1, limit: 1_001 },
    ]) {
      await expect(providers.list({}, page)).rejects.toThrow(code('invalid_request'))
    }
  })

  test('the endpoints are there from the start and can be changed', async () => {
    const { endpoints } = await stage.open()
    const { rows, total } = await endpoints.list({}, first)
    expect(rows.map(({ path }) => path)).toEqual([
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/embeddings',
      '/v1/images/generations',
      '/v1/models',
    ])
    expect(total).toBe(5)
    const mapping = { smart: { targets: [{ provider: 'a', weight: 3, priority: 1 }], aliases: ['gpt'] } }
    const changed = await endpoints.update(rows[1]!.id, { isActive: false, mapping })
    expect(changed).toMatchObject({ isActive: false, mapping, updatedAt: noon })
    expect((await endpoints.list({ isActive: false }, first)).rows).toEqual([changed])
    expect((await endpoints.list({ isActive: true }, first)).total).toBe(4)
    await expect(endpoints.update('none', {})).rejects.toThrow(code('not_found'))
  })

  test('one configuration is active, and that one stays', async () => {
    const { configurations } = await stage.open()
    const draft = { description: '', document: { v: 1 } }
    const [one, two] = [
      await configurations.create({ ...draft, name: 'one' }),
      await configurations.create({ ...draft, name: 'two' }),
    ]
    expect(await configurations.active()).toBeUndefined()
    await Promise.all([
      configurations.activate(one.id),
      configurations.activate(two.id),
      configurations.activate(one.id),
    ])
    expect((await configurations.list({}, first)).rows.filter(({ isActive }) => isActive)).toHaveLength(1)
    await configurations.activate(two.id)
    expect(await configurations.active()).toMatchObject({ id: two.id })
    await expect(configurations.activate('none')).rejects.toThrow(code('not_found'))
    expect(await configurations.active()).toMatchObject({ id: two.id })
    await expect(configurations.remove(two.id)).rejects.toThrow(code('conflict'))
    await configurations.remove(one.id)
    await expect(configurations.remove(one.id)).rejects.toThrow(code('not_found'))
  })

  test('an address is one in whatever case; of many first users there is one', async () => {
    const { users } = await stage.open()
    const firsts = await Promise.all(
      Array.from({ length: 5 }, (_, at) => users.createFirst(user(`Ada${at}@Example.org`))),
    )
    const [admin] = firsts.filter(made => made !== undefined)
    expect(firsts.filter(made => made !== undefined)).toHaveLength(1)
    expect(admin!.email).toBe(admin!.email.toLowerCase())
    expect(await users.find(admin!.email.toUpperCase())).toEqual(admin)
    await expect(users.create(user(admin!.email.toUpperCase()))).rejects.toThrow(code('conflict'))
    const changed = await users.update(admin!.id, { role: 'admin', isTotpConfirmed: true, priceMultiplier: 1_500 })
    expect(changed).toEqual({ ...admin, role: 'admin', isTotpConfirmed: true, priceMultiplier: 1_500 })
    expect(await users.list({ role: 'admin' }, first)).toEqual({ rows: [changed], total: 1 })
    expect(await users.list({ status: 'disabled' }, first)).toEqual({ rows: [], total: 0 })
  })

  test('a refresh token is rotated once, and its family falls together', async () => {
    const { users, sessions } = await stage.open()
    const { id: userId } = await users.create(user('a@example.org'))
    const started = { userId, family: 'f', userAgent: 'curl', expiresAt: noon + 1_000 }
    const session = await sessions.create({ ...started, refreshHash: 'h0' })
    expect(await sessions.find('h0')).toEqual(session)
    const tries = await Promise.all(
      Array.from({ length: 6 }, (_, at) =>
        sessions.rotate(session.id, { refreshHash: `h${at + 1}`, expiresAt: noon + 2_000 }),
      ),
    )
    const [next] = tries.filter(made => made !== undefined)
    expect(tries.filter(made => made !== undefined)).toHaveLength(1)
    expect(next).toMatchObject({ userId, family: 'f', userAgent: 'curl', rotatedAt: null, revokedAt: null })
    expect(await sessions.find('h0')).toMatchObject({ rotatedAt: noon })
    expect(await sessions.list({ userId }, first)).toEqual({ rows: [next], total: 1 })
    expect(await sessions.revokeFamily('f')).toBe(1)
    expect(await sessions.rotate(next!.id, { refreshHash: 'late', expiresAt: noon + 3_000 })).toBeUndefined()
    expect(await sessions.removeExpired(noon + 1_500, 10)).toBe(1)
    await users.remove(userId)
    expect(await sessions.find(next!.refreshHash)).toBeUndefined()
  })

  test('sessions of nobody are listed and revoked apart from those of users', async () => {
    const { users, sessions } = await stage.open()
    const { id: userId } = await users.create(user('a@example.org'))
    const started = { userAgent: 'curl', expiresAt: noon + 1_000 }
    const own = await sessions.create({ ...started, userId, family: 'f', refreshHash: 'h0' })
    const machine = await sessions.create({ ...started, userId: null, family: 'g', refreshHash: 'h1' })
    expect(await sessions.list({ userId: null }, first)).toEqual({ rows: [machine], total: 1 })
    expect(await sessions.list({ userId }, first)).toEqual({ rows: [own], total: 1 })
    const next = await sessions.rotate(machine.id, { refreshHash: 'h2', expiresAt: noon + 2_000 })
    expect(next).toMatchObject({ userId: null, family: 'g' })
    expect(await sessions.revokeUser(null)).toBe(1)
    expect(await sessions.list({ userId: null }, first)).toEqual({ rows: [], total: 0 })
    expect(await sessions.find('h0')).toEqual(own)
  })

  test('a key is found by its hash, used, changed and revoked once', async () => {
    const { keys, users } = await stage.open()
    const { id: userId } = await users.create(user('a@example.org'))
    const limits = { maxPrice: 5n, maxPerDay: 2n ** 200n, rpm: 60, models: ['a', 'b'] }
    const key = await keys.create({ hash: 'aa', name: 'k', tail: 'wxyz', project: 'p', userId, ...limits })
    expect(key).toMatchObject({ ...limits, archive: 'default', cache: 'default', revokedAt: null, preset: null })
    expect(await keys.find('aa')).toEqual(key)
    await expect(keys.create({ hash: 'aa', name: 'l', tail: '' })).rejects.toThrow(code('conflict'))
    await keys.touch(
      new Map([
        [key.id, noon + 9],
        ['none', noon],
      ]),
    )
    await keys.touch(new Map([[key.id, noon + 3]]))
    expect(await keys.get(key.id)).toEqual({ ...key, lastUsedAt: noon + 9 })
    const preset = { system: 'Be brief: "ünïcödé" 🌍', temperature: 0 }
    expect(await keys.update(key.id, { preset, models: null })).toMatchObject({ preset, models: null })
    const other = await keys.create({ hash: 'bb', name: 'k2', tail: '', project: 'q', userId })
    expect(ids((await keys.list({ project: 'p' }, first)).rows)).toEqual([key.id])
    expect((await keys.list({ userId }, first)).total).toBe(2)
    expect(await keys.revoke(key.id)).toMatchObject({ revokedAt: noon })
    stage.clock.time += 7
    expect(await keys.revoke(key.id)).toMatchObject({ revokedAt: noon })
    expect(ids((await keys.list({ isRevoked: false }, first)).rows)).toEqual([other.id])
    expect(ids((await keys.list({ isRevoked: true }, first)).rows)).toEqual([key.id])
    await users.remove(userId)
    expect(await keys.get(other.id)).toMatchObject({ revokedAt: noon + 7 })
  })

  test('imported keys are added as they are, and only once', async () => {
    const { keys } = await stage.open()
    const made = await keys.create({ hash: 'aa', name: 'k', tail: 'wxyz' })
    const rows = Array.from({ length: 1_200 }, (_, at): KeyRow => ({ ...made, id: `key-${at}`, hash: `h${at}` }))
    expect(await keys.importAll([made, ...rows])).toBe(1_200)
    expect(await keys.importAll(rows)).toBe(0)
    expect(await keys.find('h777')).toEqual(rows[777])
  })

  test('an alert fires and is resolved once', async () => {
    const { alerts } = await stage.open()
    const fired = { rule: 'errors', subject: 'one', value: 0.5, threshold: 0.25, message: 'too many' }
    const alert = await alerts.create({ ...fired, startedAt: noon })
    await alerts.create({ ...fired, rule: 'slow', startedAt: noon + 10 })
    expect(await alerts.resolve(alert.id, 0.1)).toMatchObject({ state: 'resolved', value: 0.1, endedAt: noon })
    stage.clock.time += 5
    expect(await alerts.resolve(alert.id, 0.2)).toMatchObject({ value: 0.1, endedAt: noon })
    expect((await alerts.list({ state: 'firing' }, first)).rows.map(({ rule }) => rule)).toEqual(['slow'])
    expect(ids((await alerts.list({ from: noon, to: noon + 10 }, first)).rows)).toEqual([alert.id])
    expect((await alerts.list({ from: noon + 10 }, first)).total).toBe(1)
  })

  test('the revision grows with every change and stands still when something is only read or used', async () => {
    const store = await stage.open()
    const start = await store.revision()
    const key = await store.keys.create({ hash: 'aa', name: 'k', tail: '' })
    const { id } = await store.budgets.create({
      scope: 'key',
      scopeId: key.id,
      amount: 5n,
      window: 'day',
      isHard: true,
    })
    expect(await store.revision()).toBe(start + 2)
    await store.keys.touch(new Map([[key.id, noon]]))
    await store.budgets.spend([id], 1n)
    await store.keys.find('aa')
    await expect(store.keys.update('none', { name: 'x' })).rejects.toThrow(ParleyError)
    expect(await store.revision()).toBe(start + 2)
  })

  test('after a close everything is refused in our own words', async () => {
    const store = await stage.open()
    await store.ping()
    await store.close()
    await expect(store.ping()).rejects.toThrow(code('store_unavailable'))
    await expect(store.keys.find('aa')).rejects.toThrow(code('store_unavailable'))
  })
})
