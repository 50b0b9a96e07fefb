import { z } from 'zod'
import { count } from './values.ts'

const multiaddr = () => z.string().regex(/^\/[a-z0-9]+\/.{1,500}$/, 'is a multiaddr, like /ip4/0.0.0.0/tcp/7276')

export const p2pSection = z
  .strictObject({
    listen: z
      .array(multiaddr())
      .max(16)
      .default(['/ip4/0.0.0.0/tcp/7276'])
      .describe('Where a provider listens for peers. A node that only buys listens on nothing.'),
    announce: z
      .array(multiaddr())
      .max(16)
      .default([])
      .describe('Addresses to tell others instead, as behind a NAT or a load balancer.'),
    bootstrap: z
      .array(multiaddr())
      .max(64)
      .default([])
      .describe('Peers to ask first, each with its `/p2p/<peer id>`; registered providers are asked in any case.'),
    maxConnections: count(100_000).default(500).describe('Connections to peers open at once.'),
    perPeerStreams: count(10_000).default(64).describe('Requests one peer may have open at once.'),
    dialPrivate: z
      .boolean()
      .default(false)
      .describe(
        'Whether peers at loopback and private addresses are dialled, as on a test network. Off, so that nobody who registers can point this node into your network; it holds for `bootstrap` too.',
      ),
    warmConnections: z
      .int()
      .min(0)
      .max(256)
      .default(8)
      .describe('Connections to the best providers kept open ahead of need.'),
    trusted: z
      .array(z.string().min(1).max(64))
      .max(64)
      .default([])
      .describe(
        'Networks (CIDR) the limits per address do not apply to, like your own load balancer; whether they are dialled is up to `dialPrivate`.',
      ),
  })
  .describe('Connections between nodes.')
