import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Hex } from '../../src/core/index.ts'
import { cidOf, createIdentity, type PeerEvent, type PeerNode, type PeerTarget } from '../../src/p2p/index.ts'
import { never, startProvider, startUser, targetOf, until } from './nodes.ts'

const modelId = (): Hex => `0x${randomBytes(32).toString('hex')}`

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Asks until somebody is found: an announcement takes a moment to spread. */
async function findSome(user: PeerNode, model: Hex, count: number): Promise<PeerTarget[]> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const found = await collect(user.discovery.find(model, { signal: never }))
    if (found.length >= count) return found
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return []
}

async function network(believed?: (peerId: string) => boolean) {
  const first = await startProvider({ announceRetryMs: 200 })
  const bootstrap = [targetOf(first)]
  const second = await startProvider({ bootstrap, announceRetryMs: 200 })
  const third = await startProvider({ bootstrap, announceRetryMs: 200 })
  const user = await startUser({ bootstrap, ...(believed && { believed }) })
  return { first, second, third, user }
}

test('a user finds who announced a model, with the addresses to dial', async () => {
  const { first, second, third, user } = await network()
  const [common, rare] = [modelId(), modelId()]
  await second.discovery.announce([common, rare])
  await third.discovery.announce([common])
  await first.discovery.announce([modelId()])
  const found = await findSome(user, common, 2)
  expect(found.map(target => target.peerId).sort()).toEqual([second.peerId, third.peerId].sort())
  expect(found.find(target => target.peerId === second.peerId)).toEqual(targetOf(second))
  expect((await findSome(user, rare, 1)).map(target => target.peerId)).toEqual([second.peerId])
  expect(await collect(user.discovery.find(modelId(), { signal: never }))).toEqual([])
}, 40_000)

test('peers that are not believed are not found, however many they are', async () => {
  const staked = new Set<string>()
  const { first, second, third, user } = await network(peerId => staked.has(peerId))
  staked.add(third.peerId)
  const model = modelId()
  for (const node of [first, second, third]) await node.discovery.announce([model])
  const found = await findSome(user, model, 1)
  expect(found.map(target => target.peerId)).toEqual([third.peerId])
}, 40_000)

test('a provider keeps only the records of peers it believes', async () => {
  const staked = new Set<string>()
  const offered = new Set<string>()
  const believed = (peerId: string) => {
    offered.add(peerId)
    return staked.has(peerId)
  }
  const asked = await startProvider({ believed })
  const bootstrap = [targetOf(asked)]
  const honest = await startProvider({ bootstrap, announceRetryMs: 200 })
  const stranger = await startProvider({ bootstrap, announceRetryMs: 200 })
  staked.add(honest.peerId)
  const model = modelId()
  for (const node of [stranger, honest]) await node.discovery.announce([model])
  await until(() => offered.has(stranger.peerId) && offered.has(honest.peerId), 'both records are offered')
  await Promise.all([stranger.stop(), honest.stop()])
  const user = await startUser({ bootstrap })
  const found = await findSome(user, model, 1)
  expect(found.map(target => target.peerId)).toEqual([honest.peerId])
}, 40_000)

test('a lookup gives at most as many as asked for, and ends when its caller leaves', async () => {
  const { first, second, third, user } = await network()
  const model = modelId()
  for (const node of [first, second, third]) await node.discovery.announce([model])
  await findSome(user, model, 2)
  expect(await collect(user.discovery.find(model, { signal: never, limit: 1 }))).toHaveLength(1)
  const left = collect(user.discovery.find(model, { signal: AbortSignal.abort() }))
  await expect(left).rejects.toMatchObject({ code: 'cancelled' })
}, 40_000)

test('a user node listens on nothing, says nothing of itself and is new at every start', async () => {
  const provider = await startProvider()
  const users = [await startUser(), await startUser()]
  await provider.serve(socket => socket.resume())
  for (const user of users) {
    const socket = await user.open(targetOf(provider), { signal: never })
    socket.destroy()
    expect(user.addresses()).toEqual([])
  }
  expect(users[0]!.peerId).not.toBe(users[1]!.peerId)
  expect(provider.stats()).toMatchObject({ connectionsIn: 2, connectionsOut: 0 })
})

test('a kept peer is dialled again when it comes back, and left alone when it is no longer wanted', async () => {
  const identity = await createIdentity()
  const first = await startProvider({ key: identity.key })
  const user = await startUser()
  const target = targetOf(first)
  const port = /tcp\/(\d+)/.exec(target.addresses[0]!)![1]
  const events: PeerEvent[] = []
  const end = user.discovery.onPeer(event => events.push(event))
  user.discovery.keepWarm([target])
  await until(() => user.discovery.connected().includes(first.peerId), 'connected')
  await first.stop()
  await until(() => events.at(-1)?.type === 'disconnected', 'disconnected')
  const again = await startProvider({ key: identity.key, listen: [`/ip4/127.0.0.1/tcp/${port}`] })
  await until(() => user.discovery.connected().includes(again.peerId), 'connected again')
  expect(events.map(event => event.type)).toEqual(['connected', 'disconnected', 'connected'])
  end()
  user.discovery.keepWarm([])
  await again.stop()
  await until(() => user.discovery.connected().length === 0, 'let go')
  expect(events).toHaveLength(3)
}, 40_000)

test('only the first few targets are kept warm', async () => {
  const providers = await Promise.all([startProvider(), startProvider(), startProvider()])
  const user = await startUser({ warmMax: 2 })
  user.discovery.keepWarm(providers.map(targetOf))
  await until(() => user.discovery.connected().length === 2, 'two are connected')
  expect(user.discovery.connected().sort()).toEqual([providers[0]!.peerId, providers[1]!.peerId].sort())
})

test('what is not a model id is refused', async () => {
  expect(() => cidOf('0x12')).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  const user = await startUser()
  const ids = Array.from({ length: 257 }, modelId)
  await expect(user.discovery.announce(ids)).rejects.toMatchObject({ code: 'too_large' })
})

test('a model has one name in the DHT', () => {
  expect(cidOf(`0x${'11'.repeat(32)}`).toString()).toBe('bafkreiac2re2gh53ez6i6njotfukphr6l7evyg56vjic7vsfj266ljf63q')
})
