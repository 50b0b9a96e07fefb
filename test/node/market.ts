import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { type ConfigInput, resolvePaths } from '../../src/config/index.ts'
import { type Backend, type Channel, type ChannelKey, type Ledger, systemClock } from '../../src/core/index.ts'
import type { ParleyNode } from '../../src/node/index.ts'
import { createLedger } from '../../src/store/index.ts'
import { serveLocally } from '../local-server.ts'
import { configOf, createHome, type DevChain, deposit, freePort, register, startChain, startNode } from './stage.ts'

/** A chain, a registered provider and a user with money; the user has no model of its own. */
export interface Market {
  readonly dev: DevChain
  readonly provider: Placed
  readonly user: Placed
  /** The official SDK, told the user node's base URL and key and nothing else. */
  readonly ai: OpenAI
  readonly stop: () => Promise<void>
}

/** A running node and where it lives. */
export interface Placed {
  readonly node: ParleyNode
  readonly home: string
  readonly port: number
}

export interface MarketOptions {
  /** Stands behind the provider as an upstream server, beside its nano model. */
  readonly backend?: Backend
  /** The port the registry names for the provider's own, and the URL both nodes use for the chain's. */
  readonly inFrontOfPeer?: (port: number) => Promise<number>
  readonly inFrontOfChain?: (rpcUrl: string) => Promise<string>
  readonly provider?: ConfigInput
  readonly user?: ConfigInput
}

export const providerAccount = 1
export const userAccount = 2

export async function openMarket(options: MarketOptions = {}): Promise<Market> {
  const { backend, provider = {}, user = {}, inFrontOfPeer = same, inFrontOfChain = same } = options
  const endings: (() => unknown)[] = []
  const stop = async () => {
    for (const end of endings.splice(0).reverse()) await end()
  }
  try {
    const chain = await startChain()
    endings.push(chain.stop)
    const dev = { ...chain, rpcUrl: await inFrontOfChain(chain.rpcUrl) }
    const [far, near] = [createHome(), createHome()]
    endings.push(far.remove, near.remove)
    const upstream = backend === undefined ? undefined : await serveUpstream(backend)
    endings.push(() => upstream?.stop())
    const port = await freePort()
    const named = await inFrontOfPeer(port)
    await register(dev, far.path, providerAccount, named)
    await deposit(dev, userAccount, 50_000_000n)
    const upstreams = upstream === undefined ? [] : [{ name: 'up', url: upstream.url }]
    const announce = [`/ip4/127.0.0.1/tcp/${named}`]
    const place = sellingOn(port, { ...provider, p2p: { announce, ...provider.p2p } })
    const selling = await startNode(configOf(dev, far.path, providerAccount, { upstreams, ...provider, ...place }))
    endings.push(selling.stop)
    const buying = await startNode(configOf(dev, near.path, userAccount, { models: { nano: false }, ...user }))
    endings.push(buying.stop)
    await offered(buying, selling.status().selling[0]!.model)
    return {
      dev,
      provider: { node: selling, home: far.path, port },
      user: { node: buying, home: near.path, port: 0 },
      ai: appOf(buying),
      stop,
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

const same = async <T>(value: T) => value

/** The part of a provider's configuration that says that it sells, and where it listens. */
export function sellingOn(port: number, more: ConfigInput = {}): ConfigInput {
  return {
    provider: { ...more.provider, enabled: true },
    p2p: { listen: [`/ip4/127.0.0.1/tcp/${port}`], ...more.p2p },
  }
}

/** A backend as an OpenAI server of its own, to be named in `upstreams`. */
export function serveUpstream(backend: Backend) {
  return serveLocally(backend, { requireKey: false })
}

/** An app that knows base URL and key, and does not try again by itself. */
export function appOf(node: ParleyNode): OpenAI {
  return new OpenAI({ baseURL: node.url, apiKey: node.firstKey!, maxRetries: 0 })
}

/** Waits until the node lists the model. */
export function offered(node: ParleyNode, model: string): Promise<void> {
  return until(() => node.status().models.includes(model), `${model} is listed`)
}

/** Waits until it holds; fails after `timeoutMs`. */
export async function until(holds: () => boolean, what: string, timeoutMs = 20_000, everyMs = 10): Promise<void> {
  for (const end = performance.now() + timeoutMs; !holds(); await sleep(everyMs)) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
  }
}

/** Reads the book of money in a node's home, also while the node runs. */
export function readBook<T>(home: string, read: (ledger: Ledger) => T): T {
  const ledger = createLedger(resolvePaths({ PARLEY_HOME: home }).ledgerFile, { clock: systemClock, readOnly: true })
  try {
    return read(ledger)
  } finally {
    ledger.close()
  }
}

/** The only counter of one side, or the one with this provider. */
export function channelOf(home: string, side: ChannelKey['side'], provider?: string): Channel | undefined {
  const isMeant = ({ key }: Channel) => provider === undefined || key.provider.toLowerCase() === provider.toLowerCase()
  return readBook(home, ledger => ledger.channels(side).find(isMeant))
}
