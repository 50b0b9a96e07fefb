import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../../src/core/index.ts'
import { createKeyStore, importKeys } from '../../../src/store/index.ts'
import { onBoth } from './stage.ts'

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

onBoth('keys of a key file', stage => {
  test('go on working in the store, once, with their limits and revocations', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-import-'))
    const path = join(folder, 'keys.sqlite')
    const store = await stage.open()
    expect(await importKeys(path, store.keys)).toBe(0)
    const old = createKeyStore(path, { clock: systemClock, random: systemRandom })
    const [plain, limited, revoked] = [
      old.create('plain'),
      old.create('limited', { maxPrice: 5n, maxPerDay: 2n ** 100n }),
      old.create('revoked'),
    ]
    const { revokedAt } = old.revoke(revoked.id)
    expect(await importKeys(path, store.keys)).toBe(3)
    const later = old.create('later')
    expect(await importKeys(path, store.keys)).toBe(1)
    const revision = await store.revision()
    expect(await importKeys(path, store.keys)).toBe(0)
    expect(await store.revision()).toBe(revision)
    old.close()
    const found = async (secret: string) => await store.keys.find(hashOf(secret))
    const { id, name, tail, createdAt } = plain
    expect(await found(plain.secret)).toMatchObject({ id, name, tail, createdAt, revokedAt: null, maxPrice: null })
    expect(await found(limited.secret)).toMatchObject({ maxPrice: 5n, maxPerDay: 2n ** 100n })
    expect(await found(revoked.secret)).toMatchObject({ revokedAt })
    expect(await found(later.secret)).toMatchObject({ id: later.id })
    writeFileSync(path, 'rubbish'.repeat(1_000))
    await expect(importKeys(path, store.keys)).rejects.toThrow(expect.objectContaining({ code: 'store_unavailable' }))
    rmSync(folder, { recursive: true })
  })
})
