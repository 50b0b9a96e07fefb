import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { systemRandom } from '../../../src/core/index.ts'
import { createSealer } from '../../../src/store/index.ts'
import { onBoth } from './stage.ts'

const sealerOf = (byte: number) => createSealer(new Uint8Array(32).fill(byte), systemRandom)
const unreadable = expect.objectContaining({ code: 'secret_unreadable' })
const [old, next] = [sealerOf(1), sealerOf(2)]
const shape = { type: 'api', provider: 'openai-compatible', config: {} } as const
const secrets = ['sk-upstream-one', 'sk-upstream-two', 'JBSWY3DPEHPK3PXP']

onBoth('secrets', stage => {
  const filled = async () => {
    const place = await stage.place()
    const store = await stage.open(place, { sealer: old })
    const ids = [systemRandom.uuid(), systemRandom.uuid()]
    for (const [at, id] of ids.entries()) {
      const secret = old.seal(secrets[at]!, `provider:${id}`)
      await store.providers.create({ ...shape, id, name: `p${at}`, secret, secretTail: secrets[at]!.slice(-4) })
    }
    await store.providers.create({ ...shape, name: 'open' })
    const userId = systemRandom.uuid()
    const totpSecret = old.seal(secrets[2]!, `totp:${userId}`)
    await store.users.create({ id: userId, email: 'a@example.org', name: 'Ada', role: 'admin', totpSecret })
    return { place, store, ids, userId }
  }

  test('a wrong master key refuses to open, the right one opens, and so does who needs none', async () => {
    const { place, store } = await filled()
    await store.close()
    await expect(stage.open(place, { sealer: next })).rejects.toThrow(unreadable)
    await expect(stage.open(place, { sealer: old })).resolves.toBeDefined()
    await expect(stage.open(place)).resolves.toBeDefined()
  })

  test('of two who bring the first key at once, one decides', async () => {
    const place = await stage.place()
    const tries = await Promise.allSettled([old, next, old, next].map(sealer => stage.open(place, { sealer })))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  })

  test('after a rotation everything opens with the new key and nothing with the old one', async () => {
    const { place, store, ids, userId } = await filled()
    const revision = await store.revision()
    expect(await store.rotateSecrets(old, next)).toBe(3)
    expect(await store.revision()).toBeGreaterThan(revision)
    for (const [at, id] of ids.entries()) {
      const { secret } = (await store.providers.get(id))!
      expect(next.open(secret!, `provider:${id}`)).toBe(secrets[at])
      expect(() => old.open(secret!, `provider:${id}`)).toThrow(unreadable)
    }
    expect(next.open((await store.users.get(userId))!.totpSecret!, `totp:${userId}`)).toBe(secrets[2])
    await expect(stage.open(place, { sealer: old })).rejects.toThrow(unreadable)
    await expect(stage.open(place, { sealer: next })).resolves.toBeDefined()
  })

  test('a rotation that meets a secret it cannot open changes nothing', async () => {
    const { place, store, ids } = await filled()
    const before = await store.providers.get(ids[0]!)
    await store.providers.update(ids[1]!, { secret: next.seal('sk', `provider:${ids[1]!}`) })
    await expect(store.rotateSecrets(old, next)).rejects.toThrow(unreadable)
    expect(await store.providers.get(ids[0]!)).toEqual(before)
    await expect(stage.open(place, { sealer: old })).resolves.toBeDefined()
  })

  test('no secret stands in the database', async () => {
    const { place, store } = await filled()
    await store.close()
    if (!('path' in place)) return
    const bytes = readFileSync(place.path)
    expect(bytes.includes('p0')).toBe(true)
    for (const secret of secrets) expect(bytes.includes(secret)).toBe(false)
  })
})
