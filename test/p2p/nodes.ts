import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import type { Duplex } from 'node:stream'
import { onTestFinished } from 'vitest'
import {
  createIdentity,
  createPeerNode,
  type PeerNode,
  type PeerNodeSettings,
  type PeerTarget,
  type ProviderRole,
} from '../../src/p2p/index.ts'

export const never = new AbortController().signal
export const loopback = ['127.0.0.0/8']

/** A provider listening on a free port of this machine; stopped when the test ends. */
export async function startProvider(settings: PeerNodeSettings & Partial<ProviderRole> = {}): Promise<PeerNode> {
  const { key } = await createIdentity()
  const listen = ['/ip4/127.0.0.1/tcp/0']
  return await started(await createPeerNode({ role: 'provider', key, listen, trusted: loopback, ...settings }))
}

export async function startUser(settings: PeerNodeSettings = {}): Promise<PeerNode> {
  return await started(await createPeerNode({ role: 'user', ...settings }))
}

async function started(node: PeerNode): Promise<PeerNode> {
  onTestFinished(() => node.stop())
  await node.start(never)
  return node
}

export function targetOf(node: PeerNode): PeerTarget {
  return { peerId: node.peerId, addresses: node.addresses() }
}

/** The two ends of one stream between a user and a provider. */
export async function socketPair(user: PeerNode, provider: PeerNode): Promise<{ near: Duplex; far: Duplex }> {
  const { promise, resolve } = Promise.withResolvers<Duplex>()
  await provider.serve(socket => resolve(socket))
  const near = await user.open(targetOf(provider), { signal: never })
  return { near, far: await promise }
}

/** An HTTP server behind the node's streams. */
export async function serveHttp(
  node: PeerNode,
  listener: RequestListener,
  options: ServerOptions = {},
): Promise<Server> {
  const server = createServer(options, listener)
  await node.serve(socket => server.emit('connection', socket))
  return server
}

/** Waits until it holds; fails after `timeoutMs`. */
export async function until(holds: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
