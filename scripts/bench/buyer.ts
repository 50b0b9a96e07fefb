import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { createUpstream } from '../../src/backends/index.ts'
import { createConfig, createDirectories, resolvePaths } from '../../src/config/index.ts'
import {
  type Backend,
  type Call,
  type Context,
  createEventLog,
  systemClock,
  systemRandom,
} from '../../src/core/index.ts'
import { openAccount } from '../../src/node/account.ts'
import { openChain } from '../../src/node/chain-access.ts'
import { createShops, type ShopsOptions } from '../../src/node/shops.ts'
import { createPeerNode } from '../../src/p2p/index.ts'
import { createLedger } from '../../src/store/index.ts'
import { serveLocally } from './local-front.ts'
import { p50 } from './numbers.ts'
import type { BuyerQuestion, BuyerSettings, ScriptedSeller, Way } from './parts.ts'
import { scriptedModels } from './scripted.ts'

/** A user node made of the node's own parts, between an app and the scripted providers. */
class Buyer {
  readonly #paid: Backend
  readonly #free: Backend
  /** The same front and the same client as over libp2p, on a loopback socket. */
  readonly #plain: Backend
  readonly #bare: Pool
  readonly #bulk: Pool
  readonly #log = createEventLog(() => systemClock.now())

  static async start(settings: BuyerSettings): Promise<{ buyer: Buyer; url: string }> {
    const options = await shopsOptions(settings)
    const buyer = new Buyer(settings, options)
    await options.p2p.start(AbortSignal.timeout(30_000))
    return { buyer, url: await serveLocally(buyer.#paid) }
  }

  private constructor({ paid, free }: BuyerSettings, options: ShopsOptions) {
    const shops = createShops({ ...options, log: this.#log })
    const open = ({ entry }: ScriptedSeller) =>
      shops.open({ ...entry, stake: 1n, exitAt: undefined, offers: [] }).backend
    this.#paid = open(paid)
    this.#free = open(free)
    this.#bare = new Pool(paid.plainUrl, { connections: 1 })
    this.#plain = createUpstream({
      name: 'plain',
      url: `${paid.frontUrl}/v1`,
      models: [],
      clock: systemClock,
      connectTimeoutMs: 10_000,
      maxConnections: 8,
    })
    this.#bulk = new Pool('http://peer.parley.internal', {
      connections: 1,
      connect: (_options, callback) => {
        const { peerId, endpoint } = free.entry
        options.p2p.open({ peerId, addresses: [endpoint] }, { signal: AbortSignal.timeout(10_000) }).then(
          stream => callback(null, stream as never),
          (cause: Error) => callback(cause, null),
        )
      },
    })
  }

  /** One small call after the other, a pause between them; the median in milliseconds. */
  async roundTrip(way: Way, calls: number, pauseMs: number): Promise<number> {
    const ways = {
      bare: () => drainTimed(this.#bare),
      plain: () => ask(this.#plain),
      libp2p: () => ask(this.#free),
      paid: () => ask(this.#paid),
    }
    const times: number[] = []
    for (let call = 0; call < calls; call++) {
      if (pauseMs > 0) await sleep(pauseMs)
      times.push(await ways[way]())
    }
    return p50(times)
  }

  /** Milliseconds until an answer of 2,000 events, all ready at once, is whole. */
  stream(way: Way): Promise<number> {
    const ways = { bare: this.#plain, plain: this.#plain, libp2p: this.#free, paid: this.#paid }
    return ask(ways[way], scriptedModels.stream)
  }

  /** Bytes of one long answer per millisecond, by plain HTTP and by HTTP over libp2p. */
  async bulk(): Promise<{ plain: number; libp2p: number }> {
    const rate = async (pool: Pool) => {
      const startedAt = performance.now()
      const bytes = await drain(pool, scriptedModels.bulk)
      return bytes / (performance.now() - startedAt)
    }
    return { plain: await rate(this.#bare), libp2p: await rate(this.#bulk) }
  }
}

async function shopsOptions({ home, privateKey, chain }: BuyerSettings): Promise<ShopsOptions> {
  const paths = resolvePaths({ PARLEY_HOME: home })
  createDirectories(paths)
  const config = createConfig({ chain, wallet: { privateKey }, spending: { perHour: '1000', perDay: '1000' } }, paths)
  const log = createEventLog(() => systemClock.now())
  const given = { config, clock: systemClock, random: systemRandom, log }
  const account = await openAccount(config, systemRandom)
  return {
    ...given,
    access: openChain(config, given)!,
    account: () => account,
    p2p: await createPeerNode({ role: 'user', clock: systemClock, random: systemRandom }),
    ledger: createLedger(paths.ledgerFile, { clock: systemClock }),
    whereabouts: () => [],
    dailyCap: () => undefined,
    onMismatch: name => console.error(`${name} broke the protocol`),
  }
}

const messages = [{ role: 'user' as const, content: 'Say one word.' }]
let asked = 0

/** Milliseconds until the answer is whole. What is booked behind it is awaited before the next call, off the clock. */
async function ask(backend: Backend, model: string = scriptedModels.word): Promise<number> {
  const call: Call = { task: 'chat', body: { model, messages, stream: true } }
  const context: Context = {
    id: `bench-call-${++asked}`,
    signal: new AbortController().signal,
    principal: { kind: 'self', id: 'bench' },
    headers: {},
  }
  const startedAt = performance.now()
  let answeredAt: number | undefined
  for await (const { meta } of backend.run(call, context)) if (meta.isLast) answeredAt = performance.now()
  return (answeredAt ?? performance.now()) - startedAt
}

async function drainTimed(pool: Pool): Promise<number> {
  const startedAt = performance.now()
  await drain(pool, scriptedModels.word)
  return performance.now() - startedAt
}

async function drain(pool: Pool, model: string): Promise<number> {
  const { body } = await pool.request({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ model, messages, stream: true }),
  })
  let bytes = 0
  for await (const piece of body) bytes += (piece as Buffer).length
  return bytes
}

let running: Promise<Buyer> | undefined
process.on('disconnect', () => process.exit())
process.on('message', message => {
  const question = message as BuyerQuestion
  void answer(question).then(result => process.send!(result))
})

async function answer(question: BuyerQuestion): Promise<unknown> {
  if (question.what === 'start') {
    const started = Buyer.start(question.settings)
    running = started.then(({ buyer }) => buyer)
    return { url: (await started).url }
  }
  const buyer = await running!
  if (question.what === 'stream') return buyer.stream(question.way)
  return question.what === 'bulk' ? buyer.bulk() : buyer.roundTrip(question.way, question.calls, question.pauseMs)
}
