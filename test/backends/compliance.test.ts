import { createUpstream } from '../../src/backends/index.ts'
import type { Backend } from '../../src/core/index.ts'
import { createEventLog, filter, ParleyError, systemClock, systemRandom } from '../../src/core/index.ts'
import { type Candidate, createAdmission, createRanking, record, router } from '../../src/gateway/index.ts'
import { compliance } from '../compliance.ts'
import { serveLocally } from '../local-server.ts'

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

async function upstreamOf(backend: Backend) {
  const server = await serveLocally(backend)
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
