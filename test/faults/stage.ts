import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConfigInput, createConfig, resolvePaths } from '../../src/config/index.ts'
import type { LoggedEvent } from '../../src/core/index.ts'
import type { ParleyNode } from '../../src/node/index.ts'
import { type FaultyUpstream, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { type Market, openMarket, until } from '../node/market.ts'
import { createHome, startNode } from '../node/stage.ts'
import { ask, type Heard } from './asking.ts'
import { allFaults, backupWords, failingByModel } from './faults.ts'

/** A node whose first target fails as the model's name says, and whose second, `backup`, is well. */
export interface Stage {
  readonly kind: 'upstream' | 'peer'
  /** What the first target is called in requests and events. */
  readonly target: string
  readonly faulty: FaultyUpstream
  readonly backup: FaultyUpstream
  /** The one that apps talk to first. */
  readonly nodes: readonly ParleyNode[]
  readonly homes: readonly string[]
  /** Every event of all nodes so far, the oldest first, also those that the logs dropped. */
  readonly events: readonly LoggedEvent[]
  /** What the node next to the app noted of a call. */
  readonly eventsOf: (heard: { readonly id: string }) => LoggedEvent[]
  readonly chat: (body: Record<string, unknown>, signal?: AbortSignal, id?: string) => Promise<Heard>
  readonly stop: () => Promise<void>
}

/** Nobody may see these but the upstreams they are for. */
export const upstreamKey = 'sk-upstream-5up3r53cr37'
export const attemptsMax = 2

/** Long enough for answers on busy cores, short enough to wait for in a test. */
export const bounds = { headersMs: 1_000, firstTokenMs: 1_500, idleMs: 1_500 }

type Upstreams = NonNullable<ConfigInput['upstreams']>

interface Ground {
  readonly faulty: FaultyUpstream
  readonly backup: FaultyUpstream
  readonly upstreams: (...names: ('faulty' | 'backup')[]) => Upstreams
  readonly endings: (() => unknown)[]
}

async function startGround(): Promise<Ground> {
  const models = allFaults.map(({ model }) => model)
  const [faulty, backup] = [await startFaultyUpstream(models), await startFaultyUpstream(models)]
  faulty.always(failingByModel())
  backup.always(stream({ words: backupWords }))
  const folder = mkdtempSync(join(tmpdir(), 'parley-keys-'))
  const keyFile = join(folder, 'key')
  writeFileSync(keyFile, upstreamKey)
  const urls = { faulty: faulty.url, backup: backup.url }
  const upstreams: Ground['upstreams'] = (...names) => names.map(name => ({ name, url: urls[name], keyFile }))
  const removeKeys = () => rmSync(folder, { recursive: true, force: true })
  return { faulty, backup, upstreams, endings: [removeKeys, faulty.stop, backup.stop] }
}

export async function openUpstreamStage(): Promise<Stage> {
  const ground = await startGround()
  const home = createHome()
  const config = createConfig(
    {
      http: { port: 0, perKeyConcurrency: 64 },
      models: { nano: false },
      upstreams: ground.upstreams('faulty', 'backup'),
      routing: { attemptsMax },
      timeouts: bounds,
    },
    resolvePaths({ PARLEY_HOME: home.path }),
  )
  const node = await startNode(config)
  ground.endings.push(home.remove, node.stop)
  return staged(ground, { kind: 'upstream', target: 'faulty', nodes: [node], homes: [home.path] })
}

/** Units of the token for a million tokens: 2 for one of the prompt, 10 for one of the answer. */
export const prices = { in: '2', cachedIn: '2', out: '10', minimum: '0.00001' }
export const priceIn = 2n
export const priceOut = 10n

export async function openPeerStage(): Promise<Stage & { readonly market: Market }> {
  const ground = await startGround()
  const market = await openMarket({
    provider: {
      models: { nano: false },
      upstreams: ground.upstreams('faulty'),
      provider: { prices, concurrency: 64, claim: { everySeconds: 0 } },
      timeouts: bounds,
    },
    user: {
      upstreams: ground.upstreams('backup'),
      routing: { attemptsMax },
      timeouts: { firstTokenMs: 10_000, idleMs: 10_000 },
      http: { port: 0, perKeyConcurrency: 64 },
    },
  })
  ground.endings.push(market.stop)
  const { user, provider, dev } = market
  await until(() => user.node.status().providers.some(({ models }) => models.length > 0), 'the provider is known')
  const target = dev.accounts[1]!.address
  const stage = staged(ground, {
    ...{ kind: 'peer', target, nodes: [user.node, provider.node], homes: [user.home, provider.home] },
  })
  return { ...stage, market }
}

type Cast = Pick<Stage, 'kind' | 'target' | 'nodes' | 'homes'>

function staged({ faulty, backup, endings }: Ground, cast: Cast): Stage {
  const all: LoggedEvent[] = []
  const near: LoggedEvent[] = []
  const [node] = cast.nodes
  for (const each of cast.nodes) {
    all.push(...each.log.recent())
    each.log.subscribe(event => void all.push(event))
  }
  node!.log.subscribe(event => void near.push(event))
  return {
    ...cast,
    ...{ faulty, backup, events: all },
    eventsOf: ({ id }) => near.filter(event => idOf(event) === id),
    chat: (body, signal, id) => ask({ url: node!.url, key: node!.firstKey!, body, ...(signal && { signal }) }, id),
    stop: async () => {
      for (const end of endings.toReversed()) await end()
    },
  }
}

function idOf(event: LoggedEvent): string | undefined {
  if ('id' in event) return event.id
  return 'call' in event ? event.call : undefined
}
