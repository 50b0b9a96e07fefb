import { expect, test } from 'vitest'
import { createIdentity, createPeerNode, identityFromKey, parseTarget } from '../../src/p2p/index.ts'
import { parseAddress, parsePeerId } from '../../src/p2p/target.ts'

const { peerId, key } = await createIdentity()
const other = await createIdentity()

test('an address gets the peer id it lacks', () => {
  for (const address of ['/ip4/192.0.2.1/tcp/4001', '/ip6/::1/tcp/4001', '/dns4/node.example/tcp/443']) {
    expect(parseAddress(address, parsePeerId(peerId)).toString()).toBe(`${address}/p2p/${peerId}`)
    expect(parseAddress(`${address}/p2p/${peerId}`, parsePeerId(peerId)).toString()).toBe(`${address}/p2p/${peerId}`)
  }
})

test('an address of another kind, or of another peer, is refused with the reason', () => {
  const refused: [string, RegExp][] = [
    ['', /must begin/],
    ['http://example.com', /multiaddr/],
    ['/ip4/300.0.0.1/tcp/1', /multiaddr/],
    ['/ip4/192.0.2.1', /needs \/tcp/],
    ['/ip4/192.0.2.1/tcp/0', /needs \/tcp/],
    ['/ip4/192.0.2.1/udp/4001', /needs \/tcp/],
    ['/unix/tmp%2Fsocket', /must begin/],
    ['/ip4/192.0.2.1/tcp/4001/ws', /may follow the port/],
    [`/ip4/192.0.2.1/tcp/4001/p2p/${other.peerId}`, /another peer/],
    [`/ip4/192.0.2.1/tcp/4001/p2p/${peerId}/p2p-circuit`, /may follow the port/],
    [`/dns4/${'a'.repeat(600)}/tcp/1`, /longer than/],
  ]
  for (const [address, reason] of refused) {
    const expected = { code: 'invalid_request', message: expect.stringMatching(reason) }
    expect(() => parseAddress(address, parsePeerId(peerId)), address).toThrow(expect.objectContaining(expected))
  }
  expect(() => parsePeerId('nobody')).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})

test('a bootstrap address names its peer', () => {
  const address = `/dns4/node.example/tcp/4001/p2p/${peerId}`
  expect(parseTarget(address)).toEqual({ peerId, addresses: [address] })
  expect(() => parseTarget('/ip4/192.0.2.1/tcp/4001')).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})

test('an identity is its key', async () => {
  expect(identityFromKey(key)).toEqual({ key, peerId })
  expect(() => identityFromKey(new Uint8Array(7))).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})

test('a wrong setting is refused before anything starts', async () => {
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const wrong = [
    createPeerNode({ role: 'user', limits: { connectionsMax: 0 } }),
    createPeerNode({ role: 'user', trusted: ['localhost'] }),
    createPeerNode({ role: 'provider', key, listen: [] }),
    createPeerNode({ role: 'provider', key: new Uint8Array(3), listen }),
  ]
  for (const node of wrong) await expect(node).rejects.toMatchObject({ code: 'config_invalid' })
})
