import OpenAI from 'openai'
import { createUpstream } from '../../src/backends/index.ts'
import { createEventLog, type EventLog, type ParleyError, systemClock, systemRandom } from '../../src/core/index.ts'
import { createAdmission, createRanking, type RouterOptions, router } from '../../src/gateway/index.ts'
import { userStack } from '../../src/stacks.ts'
import { type FaultyUpstream, startFaultyUpstream } from '../faulty-upstream.ts'
import { serveLocally } from '../local-server.ts'

export const upstreamKey = 'sk-upstream-5up3r53cr37'

/** An official SDK, the whole stack of a user node, and an upstream that fails as it is told. */
export interface Behind {
  readonly ai: OpenAI
  readonly url: string
  readonly upstream: FaultyUpstream
  readonly log: EventLog
  /** What `onError` was told. */
  readonly errors: ParleyError[]
  readonly stop: () => Promise<void>
}

export async function startBehind(options: Partial<RouterOptions> = {}): Promise<Behind> {
  const upstream = await startFaultyUpstream()
  const log = createEventLog(systemClock.now)
  const backend = createUpstream({
    name: 'up',
    url: upstream.url,
    apiKey: upstreamKey,
    clock: systemClock,
    connectTimeoutMs: 5_000,
    maxConnections: 64,
  })
  const stack = userStack({
    log,
    clock: systemClock,
    admission: createAdmission({ maxRunning: 1_000, maxRunningPerPrincipal: 1_000 }),
    router: router({
      candidates: { serving: () => [{ name: 'up', kind: 'api', backend }], models: signal => backend.models(signal) },
      ranking: createRanking(systemClock, systemRandom),
      policy: 'balanced',
      timeouts: { firstChunkMs: 10_000, idleMs: 10_000, totalMs: 30_000 },
      log,
      clock: systemClock,
      maxAttempts: 1,
      ...options,
    }),
  })
  const errors: ParleyError[] = []
  const front = await serveLocally(stack, {
    verifyKey: key => (key.startsWith('sk-parley') ? { principal: { kind: 'key', id: key } } : undefined),
    onError: (_id, error) => void errors.push(error),
  })
  const stop = async () => {
    await front.stop()
    await backend.close()
    await upstream.stop()
  }
  const ai = new OpenAI({ apiKey: 'sk-parley-test', baseURL: front.url, maxRetries: 0 })
  return { ai, url: front.url, upstream, log, errors, stop }
}
