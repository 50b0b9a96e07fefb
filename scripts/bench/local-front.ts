import { type Backend, createEventLog, systemClock, systemRandom } from '../../src/core/index.ts'
import { createAdmission, createRanking, router } from '../../src/gateway/index.ts'
import { createLocalFront } from '../../src/http/index.ts'
import { userStack } from '../../src/stacks.ts'

/** A backend behind the whole stack of a user node, on a free port of loopback; returns its origin. */
export async function serveLocally(backend: Backend): Promise<string> {
  const given = { clock: systemClock, random: systemRandom, log: createEventLog(() => systemClock.now()) }
  const candidate = { name: backend.name, kind: 'peer' as const, backend }
  const front = createLocalFront({
    ...given,
    backend: userStack({
      ...given,
      admission: createAdmission({ maxRunning: 64, maxRunningPerPrincipal: 64 }),
      router: router({
        ...given,
        candidates: { serving: () => [candidate], models: async () => [] },
        ranking: createRanking(systemClock, systemRandom),
        policy: 'balanced',
        maxAttempts: 1,
        timeouts: { firstChunkMs: 10_000, idleMs: 10_000, totalMs: 60_000 },
      }),
    }),
    allowedHosts: [],
    requireKey: false,
    verifyKey: () => undefined,
    adminToken: systemRandom.uuid(),
    status: () => ({}),
    explain: () => ({}),
    notReady: () => [],
    heartbeatMs: 15_000,
    stallMs: 30_000,
    maxBodyBytes: 4 << 20,
    bodyTimeoutMs: 10_000,
    headersTimeoutMs: 5_000,
    requestTimeoutMs: 60_000,
    maxConnections: 100,
    onError: (_id, error) => console.error(error),
  })
  const { port } = await front.listen('127.0.0.1', 0)
  return `http://127.0.0.1:${port}`
}
