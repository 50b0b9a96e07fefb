import { expect, test } from 'vitest'
import { createPasswords } from '../../src/auth/index.ts'
import { systemRandom } from '../../src/core/index.ts'

const quick = createPasswords({ random: systemRandom, logN: 12 })
const password = 'correct horse battery'

test('by default a hash takes 128 MiB, and says so itself', async () => {
  const passwords = createPasswords({ random: systemRandom })
  const kept = await passwords.hash(password)
  expect(kept).toMatch(/^scrypt\$17\$8\$1\$[\w-]{22}\$[\w-]{43}$/)
  expect(await passwords.verify(password, kept)).toBe(true)
  expect(await passwords.verify(`${password}!`, kept)).toBe(false)
})

test('the same password has another hash each time', async () => {
  expect(await quick.hash(password)).not.toBe(await quick.hash(password))
})

test('what was made with less is still good, and outdated', async () => {
  const kept = await quick.hash(password)
  const today = createPasswords({ random: systemRandom, logN: 13 })
  expect(await today.verify(password, kept)).toBe(true)
  expect([today.isOutdated(kept), quick.isOutdated(kept)]).toEqual([true, false])
})

test('however a keyboard composes its letters, it is one password', async () => {
  const kept = await quick.hash('Zürich-Zürich'.normalize('NFC'))
  expect(await quick.verify('Zürich-Zürich'.normalize('NFD'), kept)).toBe(true)
})

test('too short, too long, and hashes that are none or would take all memory', async () => {
  for (const wrong of ['', 'short', 'x'.repeat(257)]) {
    await expect(quick.hash(wrong)).rejects.toMatchObject({ code: 'invalid_request', param: 'password' })
    expect(await quick.verify(wrong, await quick.hash(password))).toBe(false)
  }
  const kept = await quick.hash(password)
  for (const odd of ['', 'x', null, undefined, kept.replace('$12$', '$30$'), kept.replace('$8$', '$64$'), `${kept}x`]) {
    expect(await quick.verify(password, odd)).toBe(false)
  }
})

test('an account that is not there takes as much work as one that is', async () => {
  const passwords = createPasswords({ random: systemRandom, logN: 14 })
  const kept = await passwords.hash(password)
  const workOf = async (hash: string | undefined) => {
    const before = process.cpuUsage()
    for (let index = 0; index < 8; index++) await passwords.verify('wrong password', hash)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  const [there, gone] = [await workOf(kept), await workOf(undefined)]
  expect(gone / there).toBeGreaterThan(0.5)
  expect(gone / there).toBeLessThan(2)
})

test('two run at once, the others wait, and too many are turned away', async () => {
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => quick.hash(password)))
  const refused = results.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(34)
  expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({ code: 'overloaded' })
  expect(await quick.hash(password)).toContain('scrypt$')
})
