import type { Duplex } from 'node:stream'
import { Pool } from 'undici'
import type { Backend } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { ModelList } from '../openai/index.ts'
import { createOpenAiClient, type OpenAiClient } from './openai-client.ts'

export interface PeerOptions {
  /** How it is called in errors and outcomes. */
  readonly name: string
  /** Opens a stream to the provider that speaks HTTP/1.1. */
  readonly open: (signal: AbortSignal) => Promise<Duplex>
  readonly connectTimeoutMs: number
  /** Streams open at once to this provider. */
  readonly maxStreams: number
}

export interface PeerBackend extends Backend {
  /** Calls the routes between nodes (`/parley/v1/…`). */
  readonly client: OpenAiClient
  close: () => Promise<void>
}

/** Another node, seen as a backend: the same HTTP as an upstream, over a stream of an encrypted connection. */
export function createPeer({ name, open, connectTimeoutMs, maxStreams }: PeerOptions): PeerBackend {
  const origin = 'http://peer.parley.internal'
  const dispatcher = new Pool(origin, {
    connections: maxStreams,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    keepAliveMaxTimeout: 600_000,
    bodyTimeout: 0,
    headersTimeout: 0,
    connect: (_options, callback) => {
      open(AbortSignal.timeout(connectTimeoutMs)).then(
        stream => callback(null, stream as never),
        cause => callback(cause as Error, null),
      )
    },
  })
  const client = createOpenAiClient({ name, dispatcher, origin, basePath: '/v1', isPeer: true })
  return {
    name,
    client,
    models: async signal => {
      const list = ModelList.safeParse(await client.json('GET', '/v1/models', undefined, signal))
      if (list.success) return list.data.data
      throw new ParleyError('backend_failed', `${name} lists its models in an unknown shape`, { cause: list.error })
    },
    run: async function* (call, context) {
      return { ...(yield* client.run(call, context.headers, context.signal)), servedBy: name }
    },
    close: () => dispatcher.destroy(),
  }
}
