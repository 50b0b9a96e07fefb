import OpenAI from 'openai'
import { createUpstream } from '../../src/backends/index.ts'
import type { CallRecord, EventLog, KeyRow, Outcome, Principal, Shared } from '../../src/core/index.ts'
import { compose, createEventLog, filter, principalName, systemClock, systemRandom } from '../../src/core/index.ts'
import {
  type CachedOptions,
  type Candidate,
  cached,
  cachePool,
  createAdmission,
  createRanking,
  joinedEmbeddings,
  record,
  router,
  singleFlight,
} from '../../src/gateway/index.ts'
import { type FaultyUpstream, startFaultyUpstream } from '../faulty-upstream.ts'
import { serveLocally } from '../local-server.ts'

type Key = Pick<KeyRow, 'project' | 'cache'>

export interface CacheStage {
  /** Base URL, `/v1` included. Keys are `sk-` and one of the names in `keys`. */
  readonly url: string
  readonly a: FaultyUpstream
  readonly b: FaultyUpstream
  readonly log: EventLog
  /** What came out of the cache filter, in order. */
  readonly outcomes: readonly Outcome[]
  readonly records: readonly CallRecord[]
  readonly keys: Map<string, Key>
  readonly sdk: (key?: string) => OpenAI
  readonly post: (path: string, body: unknown, extra?: PostOptions) => Promise<Posted>
  readonly chat: (body?: Record<string, unknown>, extra?: PostOptions) => Promise<Posted>
  readonly hits: () => number
  /** Both services are well again, and trusted as if nothing had been. */
  readonly reset: () => void
  readonly stop: () => Promise<void>
}

export interface PostOptions {
  readonly key?: string
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

export interface Posted {
  readonly status: number
  readonly cache: string | null
  readonly headers: Headers
  readonly text: string
  readonly json: Record<string, unknown>
}

export const messages = [{ role: 'user' as const, content: 'hi' }]

/** The filters of a node around its router, in front of two real services, behind a real front. */
export async function openCacheStage(
  shared: Pick<Shared, 'cache'>,
  options: Partial<CachedOptions> = {},
  candidate: Partial<Candidate> = {},
): Promise<CacheStage> {
  const services = [await startFaultyUpstream(['m', 'n']), await startFaultyUpstream(['m', 'n'])] as const
  const upstreams = services.map(({ url }, i) =>
    createUpstream({ name: 'ab'[i]!, url, clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 16 }),
  )
  const keys = new Map<string, Key>(['one', 'two'].map(name => [name, { project: null, cache: 'default' }]))
  const log = createEventLog(systemClock.now)
  const outcomes: Outcome[] = []
  const records: CallRecord[] = []
  const watched = filter(async function* (inner, call, context) {
    const note = recordOf(context.principal)
    records.push(note)
    const outcome = yield* inner.run(call, { ...context, record: note })
    outcomes.push(outcome)
    return outcome
  })
  const ranking = createRanking(systemClock, systemRandom)
  const admission = createAdmission({ maxRunning: 64, maxRunningPerPrincipal: 64 })
  const stack = compose(
    [
      record(log, systemClock),
      watched,
      cached({
        ...{ cache: shared.cache, clock: systemClock, random: systemRandom, ttlMs: 60_000 },
        poolOf: principal => cachePool(principal, keys.get(principal.id), 'own'),
        ...options,
      }),
      admission.admit,
      singleFlight(),
      joinedEmbeddings(),
    ],
    router({
      candidates: {
        serving: () => upstreams.map(backend => ({ name: backend.name, kind: 'api', backend, ...candidate })),
        names: () => ['a', 'b'],
        models: async () => [],
      },
      ...{ ranking, policy: 'priority', maxAttempts: 2, clock: systemClock },
      timeouts: { firstChunkMs: 5_000, idleMs: 5_000, totalMs: 20_000 },
      log,
    }),
  )
  const server = await serveLocally(stack, {
    verifyKey: secret => ({ principal: { kind: 'key', id: secret.slice(3) } }),
  })
  const post: CacheStage['post'] = async (path, body, { key = 'one', headers = {}, signal } = {}) => {
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer sk-${key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      ...(signal !== undefined && { signal }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    const json = isJson ? JSON.parse(text) : {}
    return {
      status: response.status,
      cache: response.headers.get('x-parley-cache'),
      headers: response.headers,
      text,
      json,
    }
  }
  return {
    url: server.url,
    ...{ a: services[0], b: services[1], log, outcomes, records, keys, post },
    sdk: (key = 'one') => new OpenAI({ apiKey: `sk-${key}`, baseURL: server.url, maxRetries: 0 }),
    chat: (body = {}, extra = {}) => post('/chat/completions', { model: 'm', messages, ...body }, extra),
    hits: () => services[0].hits.length + services[1].hits.length,
    reset: () => {
      for (const service of services) service.reset()
      for (const { name } of upstreams) ranking.forget(name)
    },
    stop: async () => {
      await server.stop()
      await Promise.all([...upstreams.map(own => own.close()), ...services.map(service => service.stop())])
    },
  }
}

function recordOf(principal: Principal): CallRecord {
  const account = undefined
  return {
    id: '01a1ff0f-acf2-79c5-a020-37c376abde27',
    path: principalName(principal),
    principal,
    account,
    startedAt: 0,
    keepsTexts: false,
    cache: 'off',
    attempts: [],
  }
}
