import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Keystore from 'ox/Keystore'
import { privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  createSessionKeys,
  createSigner,
  createWallets,
  deriveSessionKey,
  lightScryptN,
  type Wallets,
} from '../../src/chain/index.ts'
import { type Hex, ParleyError, systemRandom } from '../../src/core/index.ts'

vi.setConfig({ testTimeout: 60_000 })

let directory: string
let wallets: Wallets

beforeAll(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'parley-wallet-')), 'wallets')
  wallets = createWallets({ directory, random: systemRandom, scryptN: lightScryptN })
})

afterAll(() => rm(join(directory, '..'), { recursive: true }))

const code = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  return error instanceof ParleyError ? error.code : `not typed: ${String(error)}`
}
const key: Hex = `0x${'42'.repeat(32)}`
const domain = { chainId: 31337n, escrow: '0x5FbDB2315678afecb367f032d93F642f64180aa3' } as const

test('a new wallet is a private file named as its alias, and opens with its password alone', async () => {
  const entry = await wallets.create('main', 'correct horse')
  expect(entry.path).toBe(join(directory, 'main'))
  expect((await stat(entry.path)).mode & 0o777).toBe(0o600)
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
  const unlocked = await wallets.unlock('main', 'correct horse')
  expect(unlocked.address).toBe(entry.address)
  expect(await code(wallets.unlock('main', 'wrong horse'))).toBe('wallet_locked')
  expect(await code(wallets.unlock('other', 'correct horse'))).toBe('not_found')
})

test('an alias is never overwritten, and nothing is left behind', async () => {
  const before = await wallets.import('kept', { privateKey: key }, 'password')
  const text = await wallets.backup('kept')
  expect(await code(wallets.create('kept', 'password'))).toBe('conflict')
  expect(await wallets.backup('kept')).toBe(text)
  expect((await wallets.list()).find(entry => entry.alias === 'kept')?.address).toBe(before.address)
  expect((await readdir(directory)).filter(name => name.startsWith('.'))).toEqual([])
})

test('an alias cannot leave the folder, and an empty password is refused', async () => {
  for (const alias of ['../x', 'a/b', '', '.hidden', 'x'.repeat(129), 'a\0b']) {
    expect(await code(wallets.create(alias, 'password'))).toBe('invalid_request')
  }
  expect(await code(wallets.create('empty', ''))).toBe('invalid_request')
})

test('a raw key is taken with or without 0x, and never repeated in an error', async () => {
  const withPrefix = await wallets.import('raw-a', { privateKey: key }, 'password')
  const without = await wallets.import('raw-b', { privateKey: ` ${key.slice(2)}\n` }, 'password')
  expect(withPrefix.address).toBe(privateKeyToAddress(key))
  expect(without.address).toBe(withPrefix.address)
  const wrong = wallets.import('raw-c', { privateKey: `${key}ab` }, 'password')
  await expect(wrong).rejects.toThrow('a private key is')
  await expect(wrong).rejects.not.toThrow('4242')
})

test('the published vectors of the V3 format open', async () => {
  for (const [alias, { text, password, privateKey }] of Object.entries(vectors)) {
    const entry = await wallets.import(alias, { keystore: text, password }, 'password')
    expect(entry.address).toBe(privateKeyToAddress(privateKey))
    expect((await wallets.unlock(alias, 'password')).address).toBe(entry.address)
  }
})

test('a file of ours opens in ox, and one of ox opens here although it names no address', async () => {
  await wallets.import('ours', { privateKey: key }, 'password')
  const ours = JSON.parse(await wallets.backup('ours'))
  expect(ours.address).toBe(privateKeyToAddress(key).slice(2).toLowerCase())
  expect(ours.version).toBe(3)
  expect(Keystore.decrypt(ours, Keystore.toKey(ours, { password: 'password' }))).toBe(key)
  const [derived, options] = Keystore.scrypt({ password: 'theirs', n: 4096 })
  const theirs = JSON.stringify(Keystore.encrypt(key, derived, { ...options, iv: new Uint8Array(16).fill(7) }))
  const entry = await wallets.import('from-ox', { keystore: theirs, password: 'theirs' }, 'password')
  expect(entry.address).toBe(privateKeyToAddress(key))
})

test('a keystore with a capital Crypto, dropped into the folder under the name geth gave it, is listed and opens', async () => {
  const { crypto, ...rest } = JSON.parse(await wallets.backup('ours'))
  const alias = 'UTC--2016-03-22T12-57-55.920751759Z--7ef5a6135f1fd6a02593eedc869c6d41d934aef8'
  await writeFile(join(directory, alias), JSON.stringify({ ...rest, Crypto: crypto }))
  const entry = (await wallets.list()).find(found => found.alias === alias)
  expect(entry?.address).toBe(privateKeyToAddress(key))
  expect((await wallets.unlock(alias, 'password')).address).toBe(privateKeyToAddress(key))
})

test('broken files are listed with their problem and refused', async () => {
  const good = JSON.parse(await wallets.backup('ours'))
  const scrypt = (change: object) => ({
    ...good,
    crypto: { ...good.crypto, kdfparams: { ...good.crypto.kdfparams, ...change } },
  })
  const broken = {
    'not-json': '{',
    'no-object': '[]',
    'version-1': JSON.stringify({ ...good, version: 1 }),
    'no-crypto': JSON.stringify({ version: 3 }),
    'too-costly': JSON.stringify(scrypt({ n: 2 ** 30 })),
    'too-large': JSON.stringify(scrypt({ n: 2 ** 20, r: 16 })),
    'no-power': JSON.stringify(scrypt({ n: 4095 })),
    'odd-hex': JSON.stringify({ ...good, crypto: { ...good.crypto, ciphertext: 'abc' } }),
    huge: `{"x":"${'y'.repeat(70_000)}"}`,
  }
  for (const [alias, text] of Object.entries(broken)) {
    await writeFile(join(directory, alias), text)
    expect(`${alias} ${await code(wallets.unlock(alias, 'password'))}`).toBe(`${alias} wallet_invalid`)
  }
  const listed = await wallets.list()
  for (const alias of Object.keys(broken)) {
    expect(listed.find(entry => entry.alias === alias)?.problem).toBeDefined()
    await rm(join(directory, alias))
  }
})

test('a file that names the address of another key is refused', async () => {
  const good = JSON.parse(await wallets.backup('ours'))
  await writeFile(join(directory, 'liar'), JSON.stringify({ ...good, address: '11'.repeat(20) }))
  expect(await code(wallets.unlock('liar', 'password'))).toBe('wallet_invalid')
  await rm(join(directory, 'liar'))
})

test('no file holds the key in the clear', async () => {
  for (const name of await readdir(directory)) {
    expect(await readFile(join(directory, name), 'utf8')).not.toContain(key.slice(2))
  }
})

test('a locked wallet signs nothing and derives nothing', async () => {
  const wallet = await wallets.unlock('ours', 'password')
  wallet.lock()
  expect(() => wallet.sign(`0x${'ab'.repeat(32)}`)).toThrow('locked')
  expect(() => wallet.sessionKey({ ...domain, epoch: 0n })).toThrow('locked')
})

test('a session key is the same every time and another for every chain, escrow, epoch and wallet', () => {
  const wallet = Buffer.from(key.slice(2), 'hex')
  const derive = (of: object, from: Uint8Array = wallet) =>
    Buffer.from(deriveSessionKey(from, { ...domain, epoch: 0n, ...of })).toString('hex')
  const all = [
    derive({}),
    derive({ epoch: 1n }),
    derive({ chainId: 1n }),
    derive({ escrow: '0x0000000000000000000000000000000000000001' }),
    derive({}, Buffer.alloc(32, 9)),
  ]
  expect(new Set(all).size).toBe(all.length)
  expect(derive({})).toBe(all[0])
  expect(all[0]).toBe('bb3f59e65331b8e6d03d32dc9ca52e13bfc800c6da73209bb7b1231b4fcdbd2f')
})

test('a session key lives in its own file and opens without the wallet', async () => {
  const keys = createSessionKeys({ directory, random: systemRandom, scryptN: lightScryptN })
  const wallet = await wallets.unlock('ours', 'password')
  const address = await keys.create(wallet, { ...domain, epoch: 3n }, 'session password')
  expect(address).toBe(
    createSigner(deriveSessionKey(Buffer.from(key.slice(2), 'hex'), { ...domain, epoch: 3n })).address,
  )
  const name = { ...domain, epoch: 3n, payer: wallet.address }
  expect((await keys.unlock(name, 'session password')).address).toBe(address)
  expect(await code(keys.unlock(name, 'password'))).toBe('wallet_locked')
  expect(await code(keys.unlock({ ...name, epoch: 4n }, 'session password'))).toBe('not_found')
  await keys.create(wallet, { ...domain, epoch: 3n }, 'another password')
  expect((await keys.unlock(name, 'another password')).address).toBe(address)
  expect(await readdir(join(directory, 'sessions'))).toHaveLength(1)
  expect((await wallets.list()).filter(entry => entry.alias.startsWith('session'))).toEqual([])
})

const vectors: Record<string, { text: string; password: string; privateKey: Hex }> = {
  'spec-scrypt': {
    text: '{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},"ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"r":1,"p":8,"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},"mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}',
    password: 'testpassword',
    privateKey: '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d',
  },
  'spec-pbkdf2': {
    text: '{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}',
    password: 'testpassword',
    privateKey: '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d',
  },
  '31-byte-key': {
    text: '{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"e0c41130a323adc1446fc82f724bca2f"},"ciphertext":"9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984","kdf":"scrypt","kdfparams":{"dklen":32,"n":2,"r":8,"p":1,"salt":"711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63"},"mac":"d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5"},"id":"fecfc4ce-e956-48fd-953b-30f8b52ed66c","version":3}',
    password: 'foo',
    privateKey: '0x00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35',
  },
}
