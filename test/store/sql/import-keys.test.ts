import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { importKeys } from '../../../src/store/index.ts'
import { onBoth } from './stage.ts'

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

onBoth('keys of a key file', stage => {
  test('go on working in the store, once, with their limits and revocations', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-import-'))
    const path = join(folder, 'keys.sqlite')
    const store = await stage.open()
    expect(await importKeys(path, store.keys)).toBe(0)
    const old = openKeyFile(path)
    const plain = old.add('plain', {})
    const limited = old.add('limited', { max_price: '5', max_per_day: String(2n ** 100n) })
    const revoked = old.add('revoked', { revoked_at: 77 })
    expect(await importKeys(path, store.keys)).toBe(3)
    const later = old.add('later', {})
    expect(await importKeys(path, store.keys)).toBe(1)
    const revision = await store.revision()
    expect(await importKeys(path, store.keys)).toBe(0)
    expect(await store.revision()).toBe(revision)
    old.close()
    const found = async (secret: string) => await store.keys.find(hashOf(secret))
    const { id, name, tail, createdAt } = plain
    expect(await found(plain.secret)).toMatchObject({ id, name, tail, createdAt, revokedAt: null, maxPrice: null })
    expect(await found(limited.secret)).toMatchObject({ maxPrice: 5n, maxPerDay: 2n ** 100n })
    expect(await found(revoked.secret)).toMatchObject({ revokedAt: 77 })
    expect(await found(later.secret)).toMatchObject({ id: later.id })
    writeFileSync(path, 'rubbish'.repeat(1_000))
    await expect(importKeys(path, store.keys)).rejects.toThrow(expect.objectContaining({ code: 'store_unavailable' }))
    rmSync(folder, { recursive: true })
  })
})

/** The file as it was before there was a store. */
function openKeyFile(path: string) {
  const database = new DatabaseSync(path)
  database.exec(`create table api_keys (
    id text primary key,
    hash blob not null unique,
    name text not null,
    tail text not null,
    created_at integer not null,
    revoked_at integer,
    max_price text,
    max_per_day text
  ) strict`)
  const columns = ['id', 'hash', 'name', 'tail', 'created_at', 'revoked_at', 'max_price', 'max_per_day']
  const insert = database.prepare(`insert into api_keys values (${columns.map(name => `:${name}`).join(', ')})`)
  const none = { revoked_at: null, max_price: null, max_per_day: null }
  return {
    add: (name: string, more: Record<string, string | number>) => {
      const secret = `sk-parley-${name}`
      const [id, tail, createdAt] = [`key-${name}`, secret.slice(-4), 1_700_000_000_000]
      const hash = createHash('sha256').update(secret).digest()
      insert.run({ ...none, id, hash, name, tail, created_at: createdAt, ...more })
      return { id, name, tail, createdAt, secret }
    },
    close: () => database.close(),
  }
}
