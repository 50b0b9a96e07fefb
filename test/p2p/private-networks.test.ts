import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { leadsToPrivate } from '../../src/p2p/private-networks.ts'

test.each([
  ['/ip4/8.8.8.8/tcp/4001', false],
  ['/ip4/172.32.0.1/tcp/4001', false],
  ['/ip6/2001:4860:4860::8888/tcp/4001', false],
  ['/ip6/::ffff:8.8.8.8/tcp/4001', false],
  ['/ip4/10.1.2.3/tcp/4001', true],
  ['/ip4/127.0.0.1/tcp/4001', true],
  ['/ip4/169.254.169.254/tcp/4001', true],
  ['/ip4/172.31.255.255/tcp/4001', true],
  ['/ip6/::1/tcp/4001', true],
  ['/ip6/fd00::1/tcp/4001', true],
  ['/ip6/fe80::1/tcp/4001', true],
  ['/ip6/::ffff:192.168.1.1/tcp/4001', true],
  ['/dns4/localhost/tcp/4001', true],
])('%s leads into the own network: %s', async (address, isPrivate) => {
  expect(await leadsToPrivate(multiaddr(address))).toBe(isPrivate)
})
