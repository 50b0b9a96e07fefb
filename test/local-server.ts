import type { Backend } from '../src/core/index.ts'
import { systemRandom } from '../src/core/index.ts'
import { createLocalFront, type LocalFrontOptions } from '../src/http/index.ts'

export interface LocalServer {
  /** Base URL, `/v1` included. The key is `sk-parley-test`. */
  url: string
  stop: () => Promise<void>
}

/** A backend behind a real HTTP front on a free port. */
export async function serveLocally(backend: Backend, options: Partial<LocalFrontOptions> = {}): Promise<LocalServer> {
  const front = createLocalFront({
    backend,
    allowedHosts: [],
    requireKey: true,
    verifyKey: key => (key === 'sk-parley-test' ? { principal: { kind: 'key', id: 'test' } } : undefined),
    adminToken: 'admin-token',
    status: () => ({}),
    explain: () => ({}),
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
    ...options,
  })
  const { port } = await front.listen('127.0.0.1', 0)
  return { url: `http://127.0.0.1:${port}/v1`, stop: () => front.close(AbortSignal.abort()) }
}
