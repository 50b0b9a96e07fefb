import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  type Chain,
  createProviderDirectory,
  createRegistryMember,
  createRegistryOffers,
  keyOfPeerId,
  peerIdOfKey,
  type RegistryEntry,
  readRegistryTerms,
} from '../../src/chain/index.ts'
import {
  createEventLog,
  type EventLog,
  type Hex,
  type ProviderDirectory,
  type Service,
  systemClock,
} from '../../src/core/index.ts'
import { type DevChain, failure, soon, startDevChain, UNIT, until } from './dev-chain.ts'
import { createEd25519PeerId } from './peer.ts'

let dev: DevChain
let folder: string
const running: Service[] = []

beforeAll(async () => {
  dev = await startDevChain()
  folder = await mkdtemp(join(tmpdir(), 'parley-registry-'))
}, 90_000)

afterEach(async () => {
  for (const service of running.splice(0)) await service.stop()
})

afterAll(async () => {
  await dev?.stop()
  await rm(folder, { recursive: true, force: true })
})

let files = 0
const freshFile = () => join(folder, `registry-${++files}.json`)

async function directory(options: { chain?: Chain; cachePath?: string; pollMs?: number; providersMax?: number } = {}) {
  const log: EventLog = createEventLog(systemClock.now)
  const made: ProviderDirectory & Service = createProviderDirectory({
    chain: dev.chain,
    log,
    cachePath: freshFile(),
    pollMs: 50,
    ...options,
  })
  await made.start(soon())
  running.push(made)
  const events = (type: string) => log.recent().filter(event => event.type === type)
  return { made, events }
}

const entryOf = async (index: number, peerId?: string): Promise<RegistryEntry> => ({
  endpoint: `/dns4/node-${index}.example/tcp/4001`,
  peerId: peerId ?? (await createEd25519PeerId()),
  signer: dev.accounts[index]!.address,
  payout: dev.accounts[index]!.address,
})
const modelId: Hex = `0x${'0a'.repeat(32)}`
const offer = { modelId, priceIn: 100_000n, priceOut: 300_000n, contextTokens: 8_192, capabilities: 1, expiresAt: 0n }

test('a peer id and the key in the registry stand for each other', async () => {
  const peerId = await createEd25519PeerId()
  expect(peerIdOfKey(keyOfPeerId(peerId))).toBe(peerId)
  expect(keyOfPeerId('')).toBe(`0x${'00'.repeat(32)}`)
  expect(peerIdOfKey(`0x${'00'.repeat(32)}`)).toBe('')
  for (const bad of ['12D3Koo', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', '0OIl', 'x'.repeat(1000)]) {
    expect((await failure((async () => keyOfPeerId(bad))())).code).toBe('invalid_request')
  }
})

test('a registration, offers, an update, a top-up and a departure are followed without asking', async () => {
  const { made, events } = await directory()
  const sender = dev.account(0)
  const member = createRegistryMember(sender)
  const offers = createRegistryOffers(sender)
  const entry = await entryOf(0)
  const mine = () => made.byPeerId(entry.peerId)
  let changes = 0
  const end = made.onChange(() => changes++)

  await member.register(entry, 100n * UNIT, soon())
  await until(() => mine() !== undefined)
  expect(mine()).toEqual({
    provider: sender.signer.address,
    signer: entry.signer,
    payout: entry.payout,
    peerId: entry.peerId,
    endpoint: entry.endpoint,
    stake: 100n * UNIT,
    exitAt: undefined,
    offers: [],
  })
  await offers.set([offer], soon())
  await until(() => mine()?.offers.length === 1)
  const { capabilities, ...listed } = offer
  expect(mine()?.offers[0]).toEqual(listed)
  expect(capabilities).toBe(1)
  await member.update({ ...entry, endpoint: 'https://node.example' }, soon())
  await until(() => mine()?.endpoint === 'https://node.example')
  await member.topUp(5n * UNIT, soon())
  await until(() => mine()?.stake === 105n * UNIT)
  await offers.remove([modelId], soon())
  await until(() => mine()?.offers.length === 0)
  end()
  const counted = changes
  await member.requestExit(soon())
  await until(() => mine()?.exitAt !== undefined)
  expect((await failure(member.withdraw(soon()))).message).toContain('(StillUnbonding)')
  const { unbondingSeconds } = await readRegistryTerms(dev.chain, soon())
  await dev.later(Number(unbondingSeconds) + 1)
  await member.withdraw(soon())
  await until(() => mine() === undefined)
  expect(counted).toBeGreaterThanOrEqual(5)
  expect(changes).toBe(counted)
  expect(events('registry.read').length).toBeGreaterThan(5)
  expect(made.freshness()).toMatchObject({ isStale: false, error: undefined })
})

test('one refresh is enough to see a change', async () => {
  const { made } = await directory({ pollMs: 3_600_000 })
  const entry = await entryOf(1)
  await createRegistryMember(dev.account(1)).register(entry, 100n * UNIT, soon())
  expect(made.byPeerId(entry.peerId)).toBeUndefined()
  await made.refresh(soon())
  expect(made.byPeerId(entry.peerId)?.provider).toBe(dev.accounts[1]!.address)
})

test('a stake below the minimum is told with both numbers', async () => {
  const error = await failure(createRegistryMember(dev.account(2)).register(await entryOf(2), UNIT, soon()))
  expect(error.code).toBe('stake_too_low')
  expect(error.message).toContain(`the stake is ${UNIT}, the registry asks ${100n * UNIT}`)
})

test('a block that is taken back takes its registration with it', async () => {
  const { made } = await directory({ pollMs: 250 })
  const entry = await entryOf(3)
  const snapshot = await dev.rpc('evm_snapshot')
  await createRegistryMember(dev.account(3)).register(entry, 100n * UNIT, soon())
  await until(() => made.byPeerId(entry.peerId) !== undefined)
  await dev.rpc('evm_revert', [snapshot])
  await until(() => made.byPeerId(entry.peerId) === undefined)

  // The same height again by other blocks: the head alone would not tell.
  const again = await dev.rpc('evm_snapshot')
  await createRegistryMember(dev.account(3)).register(entry, 100n * UNIT, soon())
  await until(() => made.byPeerId(entry.peerId) !== undefined)
  await dev.rpc('hardhat_mine', ['0x3'])
  await dev.rpc('evm_revert', [again])
  await dev.rpc('hardhat_mine', ['0x20'])
  await until(() => made.byPeerId(entry.peerId) === undefined)
})

test('an endpoint that is no printable text is left out', async () => {
  const entry = await entryOf(4)
  const member = createRegistryMember(dev.account(4))
  await member.register({ ...entry, endpoint: '/ip4/1.2.3.4/tcp/1\n[31mfake log line' }, 100n * UNIT, soon())
  const { made } = await directory()
  expect(made.list().map(one => one.provider)).not.toContain(dev.accounts[4]!.address)
  await member.update(entry, soon())
  await until(() => made.byPeerId(entry.peerId) !== undefined)
})

test('no more providers are kept than allowed', async () => {
  const { made } = await directory({ providersMax: 1 })
  expect(made.list()).toHaveLength(1)
})

test('without its chain a directory starts from the disk and says so', async () => {
  const cachePath = freshFile()
  const first = await directory({ cachePath })
  const known = first.made.list()
  expect(known.length).toBeGreaterThan(0)
  await running.pop()!.stop()

  const dead = dev.open(['http://127.0.0.1:9'])
  const second = await directory({ cachePath, chain: dead })
  await until(() => second.made.freshness().error !== undefined)
  expect(second.made.list()).toEqual(known)
  expect(second.made.freshness()).toMatchObject({ isStale: true, blockNumber: expect.any(BigInt) })
  expect(second.made.freshness().error).toContain('chain.rpcUrls')
  await until(() => second.events('registry.unavailable').length > 0)
  expect(second.events('registry.unavailable')).toMatchObject([{ usingCache: true }])
  expect((await failure(second.made.refresh(soon()))).code).toBe('chain_unavailable')
})

test('without chain and disk a directory starts empty and says so', async () => {
  const { made, events } = await directory({ chain: dev.open(['http://127.0.0.1:9']) })
  expect(made.list()).toEqual([])
  await until(() => made.freshness().error !== undefined)
  expect(made.freshness()).toMatchObject({ isStale: true, readAt: undefined })
  expect(events('registry.unavailable')).toMatchObject([{ usingCache: false }])
})

test('a cache of another registry, or a damaged one, is not used', async () => {
  const cachePath = freshFile()
  await directory({ cachePath })
  await running.pop()!.stop()
  const good = JSON.parse(await readFile(cachePath, 'utf8'))
  const others = [
    JSON.stringify({ ...good, chainId: '1' }),
    JSON.stringify({ ...good, registry: dev.escrow }),
    JSON.stringify({ ...good, version: 99 }),
    JSON.stringify({ ...good, providers: [{ stake: 'x' }] }),
    '{"cut',
    'null',
  ]
  for (const text of others) {
    await writeFile(cachePath, text)
    const { made } = await directory({ cachePath, chain: dev.open(['http://127.0.0.1:9']) })
    expect(made.list()).toEqual([])
  }
})

test('an outage while running is one event, the list stays, and reading goes on afterwards', async () => {
  const other = await startDevChain()
  const port = new URL(other.rpcUrl).port
  const { made, events } = await directory({ chain: other.chain })
  const entry = await entryOf(0)
  await createRegistryMember(other.account(0)).register(entry, 100n * UNIT, soon())
  await until(() => made.byPeerId(entry.peerId) !== undefined)
  await other.stop()
  await until(() => made.freshness().isStale)
  expect(made.byPeerId(entry.peerId)).toBeDefined()
  expect(events('registry.unavailable')).toHaveLength(1)
  // The same addresses on an empty chain: what was registered is gone, and the directory notices.
  const back = await startDevChain('--port', port)
  try {
    await until(() => !made.freshness().isStale)
    expect(made.byPeerId(entry.peerId)).toBeUndefined()
  } finally {
    await back.stop()
  }
}, 120_000)
