import { createUpstream } from '../../src/backends/index.ts'
import type { Backend } from '../../src/core/index.ts'
import { createEventLog, filter, ParleyError, systemClock, systemRandom } from '../../src/core/index.ts'
import { type Candidate, createAdmission, createRanking, record, router } from '../../src/gateway/index.ts'
import { createLocalFront } from '../../src/http/index.ts'
import { compliance } from '../compliance.ts'

const timeouts = { firstChunkMs: 30_000, idleMs: 30_000, totalMs: 120_000 }
const log = () => createEventLog(systemClock.now)
const plain = filter((inner, call, context) => inner.run(call, context))

function routed(backends: readonly Backend[]): Backend {
  const candidates = backends.map((backend): Candidate => ({ name: backend.name, kind: 'local', backend }))
  return router({
    candidates: { serving: () => candidates, models: signal => backends.at(-1)!.models(signal) },
    ranking: createRanking(systemClock, { ...systemRandom, fraction: () => 0.99 }),
    policy: 'balanced',
    timeouts,
    log: log(),
    clock: systemClock,
    maxAttempts: 3,
  })
}

const dead: Backend = {
  name: 'dead',
  models: async () => [],
  // biome-ignore lint/correctness/useYield: it fails before it says anything
  run: async function* () {
    throw new ParleyError('peer_unreachable', 'nobody there')
  },
}

export async function overHttp(backend: Backend): Promise<{ url: string; stop: () => Promise<void> }> {
  const front = createLocalFront({
    backend,
    allowedHosts: [],
    requireKey: true,
    verifyKey: key => (key === 'sk-parley-test' ? { principal: { kind: 'key', id: 'test' } } : undefined),
    adminToken: 'admin-token',
    status: () => ({}),
    notReady: () => [],
    random: systemRandom,
    heartbeatMs: 15_000,
    stallMs: 30_000,
    maxBodyBytes: 4 << 20,
    bodyTimeoutMs: 10_000,
    headersTimeoutMs: 5_000,
    requestTimeoutMs: 60_000,
    maxConnections: 1_000,
    onError: (_id, error) => console.error(error),
  })
  const { port } = await front.listen('127.0.0.1', 0)
  return { url: `http://127.0.0.1:${port}/v1`, stop: () => front.close(AbortSignal.abort()) }
}

async function upstreamOf(backend: Backend) {
  const server = await overHttp(backend)
  const upstream = createUpstream({
    name: 'up',
    url: server.url,
    apiKey: 'sk-parley-test',
    clock: systemClock,
    connectTimeoutMs: 5_000,
    maxConnections: 64,
  })
  const stop = async () => {
    await upstream.close()
    await server.stop()
  }
  return { backend: upstream, stop }
}

compliance('the script itself', async truth => ({ backend: truth }))
compliance('eight filters deep', async truth => ({
  backend: Array.from({ length: 8 }).reduce<Backend>(inner => plain(inner), truth),
}))
compliance('record and admit around a router whose first choice is dead', async truth => {
  const admission = createAdmission({ maxRunning: 100, maxRunningPerPrincipal: 100 })
  return { backend: record(log(), systemClock)(admission.admit(routed([dead, truth]))) }
})
compliance('an upstream over HTTP', upstreamOf)
compliance('an upstream behind an upstream', async truth => {
  const far = await upstreamOf(truth)
  const near = await upstreamOf(routed([far.backend]))
  const stop = async () => {
    await near.stop()
    await far.stop()
  }
  return { backend: near.backend, stop }
})
