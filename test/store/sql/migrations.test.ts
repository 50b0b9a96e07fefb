import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import pg from 'pg'
import { expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../../src/core/index.ts'
import { type Migration, migrations, openStore, type StorePlace } from '../../../src/store/index.ts'
import { ask } from '../../postgres.ts'
import { call } from './calls.ts'
import { onBoth, onFile, onPostgres, type Stage } from './stage.ts'

const further: Migration = { name: 'further', statements: () => ['create table further (id integer)'] }
const broken: Migration = { name: 'broken', statements: () => ['create table half (id integer)', 'create nonsense'] }

onBoth('the schema', stage => {
  test('is the same after a second start, and nothing is done twice', async () => {
    const place = await stage.place()
    await (await stage.open(place)).close()
    const before = await schemaOf(stage, place)
    await (await stage.open(place)).close()
    expect(await schemaOf(stage, place)).toEqual(before)
    expect(before.length).toBeGreaterThan(14)
  })

  test('is made once when several start at the same time', async () => {
    const place = await stage.place()
    const stores = await Promise.all(Array.from({ length: 4 }, () => stage.open(place)))
    for (const store of stores) expect((await store.endpoints.list({}, { page: 1, limit: 9 })).total).toBe(5)
  })

  test('goes forward from every older one, with what was in it, to the one a new start makes', async () => {
    const fresh = await stage.place()
    await (await stage.open(fresh)).close()
    for (let known = 1; known < migrations.length; known++) {
      const place = await stage.place()
      const old = await stage.open(place, { migrations: migrations.slice(0, known) })
      const key = await old.keys.create({ hash: 'aa', name: 'k', tail: '' })
      await old.close()
      const store = await stage.open(place)
      expect(await store.keys.find('aa')).toEqual(key)
      await store.requests.write([{ request: call() }])
      await store.close()
      expect(await schemaOf(stage, place)).toEqual(await schemaOf(stage, fresh))
    }
  })

  test('keeps who is logged in when sessions need no user any more', async () => {
    const place = await stage.place()
    const old = await stage.open(place, { migrations: migrations.slice(0, 3) })
    const { id: userId } = await old.users.create({ email: 'a@example.org', name: 'a', role: 'user' })
    const session = { userId, family: 'f', refreshHash: 'h0', userAgent: 'curl', expiresAt: stage.clock.now() + 1_000 }
    await expect(old.sessions.create({ ...session, userId: null })).rejects.toThrow()
    const made = await old.sessions.create(session)
    await old.close()
    const store = await stage.open(place)
    expect(await store.sessions.find('h0')).toEqual(made)
    await expect(store.sessions.create({ ...session, family: 'g' })).rejects.toThrow()
    expect(await store.sessions.create({ ...session, userId: null, refreshHash: 'h1' })).toMatchObject({ userId: null })
    await store.users.remove(userId)
    expect(await store.sessions.find('h0')).toBeUndefined()
    expect(await store.sessions.find('h1')).toBeDefined()
  })

  test('that is newer than the program is refused with what to do, and left as it is', async () => {
    const place = await stage.place()
    await (await stage.open(place, { migrations: [...migrations, further] })).close()
    const refusal = expect.objectContaining({ code: 'conflict', message: expect.stringContaining('upgrade parley') })
    await expect(stage.open(place)).rejects.toThrow(refusal)
    await (await stage.open(place, { migrations: [...migrations, further] })).close()
  })

  test('stays as it was when a step fails', async () => {
    const place = await stage.place()
    const store = await stage.open(place)
    await store.keys.create({ hash: 'aa', name: 'k', tail: '' })
    await store.close()
    const before = await schemaOf(stage, place)
    await expect(stage.open(place, { migrations: [...migrations, further, broken] })).rejects.toThrow(
      expect.objectContaining({ code: 'internal' }),
    )
    expect(await schemaOf(stage, place)).toEqual(before)
    expect(await (await stage.open(place)).keys.find('aa')).toBeDefined()
  })

  test('has the columns that are promised, in types that fit', async () => {
    const place = await stage.place()
    await (await stage.open(place)).close()
    const schema = (await schemaOf(stage, place)).join('\n')
    const isFile = 'path' in place
    const columns = [
      ['id', 'text'],
      ['timestamp', isFile ? 'integer' : 'timestamp with time zone'],
      ['endpoint', 'text'],
      ['provider_id', 'text'],
      ['model', 'text'],
      ['status', 'integer'],
      ['response_time', isFile ? 'integer' : 'bigint'],
      ['tokens_input', isFile ? 'integer' : 'bigint'],
      ['tokens_output', isFile ? 'integer' : 'bigint'],
      ['cost', isFile ? 'integer' : 'numeric'],
      ['request', isFile ? 'text' : 'jsonb'],
      ['response', isFile ? 'text' : 'jsonb'],
    ]
    for (const [column, type] of columns) expect(schema).toContain(`requests.${column} ${type}`)
    for (const table of ['providers', 'endpoints', 'configurations', 'logs', 'inputs', 'responses']) {
      expect(schema).toContain(`${table}.id text`)
    }
  })

  test('costs read as dollars with six digits by whoever asks the database itself', async () => {
    const place = await stage.place()
    await (await stage.open(place)).requests.write([{ request: call({ cost: 1_234_567n }) }])
    if ('path' in place) return
    expect(await ask(place.url, 'select cost::text, timestamp::text from requests')).toEqual([
      { cost: '1.234567', timestamp: '2026-03-14 21:00:00+09' },
    ])
  })
})

onFile('a file', stage => {
  test('is copied before its schema changes, and only its owner may read either', async () => {
    const { path } = (await stage.place()) as { path: string }
    const old = await stage.open({ path }, { migrations: migrations.slice(0, 1) })
    await old.keys.create({ hash: 'aa', name: 'k', tail: '' })
    expect(existsSync(`${path}.before-v1`)).toBe(false)
    await old.close()
    const backup = `${path}.before-v${migrations.length}`
    await (await stage.open({ path })).close()
    const copy = new DatabaseSync(backup, { readOnly: true })
    expect(copy.prepare('select hash from keys').all()).toEqual([{ hash: 'aa' }])
    expect(copy.prepare('select max(version) as version from schema_migrations').get()).toEqual({ version: 1 })
    copy.close()
    for (const file of [path, backup]) expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('that is no database is refused and left alone', async () => {
    const { path } = (await stage.place()) as { path: string }
    writeFileSync(path, 'not a database, but somebody’s text'.repeat(100))
    const before = readFileSync(path)
    await expect(stage.open({ path })).rejects.toThrow(expect.objectContaining({ code: 'store_unavailable' }))
    expect(readFileSync(path)).toEqual(before)
  })
})

test('a server that is not there, or never says a word, is told within a bound', async () => {
  const silent = createServer(socket => socket.on('error', () => undefined).resume())
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  for (const at of [9, port]) {
    const url = `postgres://nobody:secret-word@127.0.0.1:${at}/none`
    const opening = openStore({ url, connectTimeoutMs: 300 }, { clock: systemClock, random: systemRandom })
    const error = await opening.catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'store_unavailable' })
    expect(inspect(error)).not.toContain('secret-word')
  }
  silent.close()
})

onPostgres('a server', stage => {
  test('that is held up in the middle of a statement is given up within a bound, and used again afterwards', async () => {
    const { url } = (await stage.place()) as { url: string }
    const store = await stage.open({ url, statementTimeoutMs: 300 })
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    await other.query('begin; lock table budgets')
    const start = performance.now()
    await expect(store.budgets.get('x')).rejects.toThrow(expect.objectContaining({ code: 'store_unavailable' }))
    expect(performance.now() - start).toBeLessThan(3_000)
    await other.query('rollback')
    await other.end()
    expect(await store.budgets.get('x')).toBeUndefined()
  })
})

async function schemaOf(stage: Stage, place: StorePlace): Promise<string[]> {
  if ('path' in place) {
    const database = new DatabaseSync(place.path, { readOnly: true })
    const columns = database
      .prepare(
        `select m.name || '.' || c.name || ' ' || lower(c.type) as text from sqlite_master m, pragma_table_info(m.name) c
         where m.type = 'table' union all select name || ' index' from sqlite_master where type = 'index'`,
      )
      .all()
    database.close()
    return columns.map(({ text }) => String(text)).sort()
  }
  const columns = await ask(
    place.url,
    `select table_name || '.' || column_name || ' ' || data_type as text from information_schema.columns
     where table_schema = 'public' union all select indexname || ' index' from pg_indexes where schemaname = 'public'`,
  )
  expect(stage.kind).toBe('postgres')
  return columns.map(({ text }) => String(text)).sort()
}
