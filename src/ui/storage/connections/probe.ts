import { ApiError, type Connection, listModels } from '../../../openai/stream-client.ts'
import type { ConnectionEntry } from './connections.ts'

export type ProbeResult =
  | { readonly state: 'works'; readonly models: number }
  | { readonly state: 'key_wrong'; readonly status: number }
  | { readonly state: 'forbids_browsers' | 'away' | 'proxy_away' }
  | { readonly state: 'failed'; readonly reason: string }

const probeMs = 20_000

/** Asks for the models, and finds out what is wrong where that does not work. */
export async function probe(entry: ConnectionEntry, connection: Connection): Promise<ProbeResult> {
  try {
    const models = await listModels(connection, { signal: AbortSignal.timeout(probeMs), idleMs: probeMs })
    return { state: 'works', models: models.length }
  } catch (cause) {
    if (!(cause instanceof ApiError)) return { state: 'failed', reason: String(cause) }
    if (cause.status === 401 || cause.status === 403) return { state: 'key_wrong', status: cause.status }
    if (cause.code !== 'unreachable') return { state: 'failed', reason: cause.message }
    if (entry.proxyUrl !== '') return { state: 'proxy_away' }
    return { state: (await isThere(entry.baseUrl)) ? 'forbids_browsers' : 'away' }
  }
}

/** A request whose answer cannot be read still tells that somebody answers. No key goes with it. */
async function isThere(baseUrl: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(probeMs)
    await fetch(baseUrl, { mode: 'no-cors', credentials: 'omit', referrerPolicy: 'no-referrer', signal })
    return true
  } catch {
    return false
  }
}
