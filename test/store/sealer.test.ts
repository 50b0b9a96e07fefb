import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemRandom } from '../../src/core/index.ts'
import { createSealer, parseMasterKey, readOrMakeMasterKey } from '../../src/store/index.ts'

const keyOf = (byte: number) => new Uint8Array(32).fill(byte)
const sealer = createSealer(keyOf(1), systemRandom)
const unreadable = expect.objectContaining({ code: 'secret_unreadable' })

test('what is sealed opens again, says nothing, and is another text each time', () => {
  for (const secret of ['', 'sk-upstream-123', 'ünï 🌍\n'.repeat(1_000)]) {
    const sealed = sealer.seal(secret, 'provider:1')
    expect(sealer.open(sealed, 'provider:1')).toBe(secret)
    expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]+$/)
    expect(sealer.seal(secret, 'provider:1')).not.toBe(sealed)
    if (secret !== '') expect(Buffer.from(sealed.split('.')[2]!, 'base64url').includes(secret)).toBe(false)
  }
})

test('with any character changed, cut or added it does not open', () => {
  const sealed = sealer.seal('sk-upstream', 'provider:1')
  for (let at = 0; at < sealed.length; at++) {
    const other = sealed[at] === 'A' ? 'B' : 'A'
    expect(() => sealer.open(sealed.slice(0, at) + other + sealed.slice(at + 1), 'provider:1')).toThrow(unreadable)
    expect(() => sealer.open(sealed.slice(0, at), 'provider:1')).toThrow(unreadable)
  }
  for (const more of ['A', '=', ' ', '\n']) expect(() => sealer.open(sealed + more, 'provider:1')).toThrow(unreadable)
})

test('with every bit of it flipped it does not open', () => {
  const [version, keyId, text] = sealer.seal('sk', 'canary').split('.') as [string, string, string]
  const bytes = Buffer.from(text, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    expect(() => sealer.open(`${version}.${keyId}.${flipped.toString('base64url')}`, 'canary')).toThrow(unreadable)
  }
})

test('another key, another purpose and the secret of another row are refused', () => {
  const sealed = sealer.seal('sk', 'provider:1')
  const other = createSealer(keyOf(2), systemRandom)
  expect(() => other.open(sealed, 'provider:1')).toThrow(new RegExp(`master key ${sealer.keyId} and this one is`))
  expect(() => sealer.open(sealed, 'provider:2')).toThrow(unreadable)
  expect(() => sealer.open(sealed, 'totp:1')).toThrow(unreadable)
})

test('a master key is 32 bytes in hexadecimal or base64, and nothing else', () => {
  const bytes = Buffer.from(keyOf(7))
  for (const text of [bytes.toString('hex'), `${bytes.toString('base64')}\n`, bytes.toString('base64url')]) {
    expect(Buffer.from(parseMasterKey(text))).toEqual(bytes)
  }
  for (const text of ['', 'password', 'zz'.repeat(32), bytes.toString('hex').slice(1), `${bytes.toString('hex')}0`]) {
    expect(() => parseMasterKey(text)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  }
})

test('a key file is made once, is its owner’s alone, and stays; a wrong one is not replaced', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-master-'))
  const path = join(folder, 'home', 'master.key')
  const key = readOrMakeMasterKey(path, systemRandom)
  expect(readOrMakeMasterKey(path, systemRandom)).toEqual(key)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  writeFileSync(path, 'rubbish')
  expect(() => readOrMakeMasterKey(path, systemRandom)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  expect(readFileSync(path, 'utf8')).toBe('rubbish')
  rmSync(folder, { recursive: true })
})
