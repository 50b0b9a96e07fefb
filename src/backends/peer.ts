import type { Duplex } from 'node:stream'
import { Pool } from 'undici'
import type { Backend } from '../core/index.ts'
import { isTokenCall, ParleyError } from '../core/index.ts'
import { ModelList } from '../openai/index.ts'
import { createOpenAiClient, type OpenAiClient } from './openai-client.ts'
import { runPeerMedia } from './peer-media.ts'

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
  /** Calls the routes between nodes (`/parley/v1/…`), on streams of their own. */
  readonly client: OpenAiClient
  /** Takes no new call and lets running ones end, for `withinMs` (ten minutes) at the most. */
  close: (withinMs?: number) => Promise<void>
  /** Breaks off whatever runs. */
  destroy: () => Promise<void>
}

const origin = 'http://peer.parley.internal'
const deskStreams = 2
const closeWithinMs = 600_000
/** After its last answer a session brings one more voucher and fetches what receipts are missing. */
const settleMs = 2_000

/**
 * Another node, seen as a backend: the same HTTP as an upstream, over a stream of an encrypted connection. Answers and the
 * cash desk do not share streams: an answer waits for a voucher, so the voucher must never wait for an answer to end.
 */
export function createPeer(options: PeerOptions): PeerBackend {
  const { name, maxStreams } = options
  const answers = createPool(options, Math.max(1, maxStreams - deskStreams))
  const desk = createPool(options, deskStreams)
  const client = createOpenAiClient({ name, dispatcher: desk, origin, basePath: '/v1', isPeer: true })
  const peer = { name, dispatcher: answers, origin, basePath: '/v1', isPeer: true }
  const answering = createOpenAiClient(peer)
  return {
    name,
    client,
    models: async signal => {
      const list = ModelList.safeParse(await client.json('GET', '/v1/models', undefined, signal))
      if (list.success) return list.data.data
      throw new ParleyError('backend_failed', `${name} lists its models in an unknown shape`, { cause: list.error })
    },
    run: async function* (call, context) {
      const { headers, signal } = context
      const answer = isTokenCall(call)
        ? answering.run(call, headers, signal)
        : runPeerMedia(peer, call, headers, signal)
      return { ...(yield* answer), servedBy: name }
    },
    ...createEnds(answers, desk),
  }
}

function createPool({ name, open, connectTimeoutMs }: PeerOptions, connections: number): Pool {
  return new Pool(origin, {
    connections,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    keepAliveMaxTimeout: 600_000,
    bodyTimeout: 0,
    headersTimeout: 0,
    connect: (_options, callback) => {
      open(AbortSignal.timeout(connectTimeoutMs)).then(
        stream => callback(null, stream as never),
        cause => callback(unsent(name, cause), null),
      )
    },
  })
}

/** There was no stream to send a request on. */
function unsent(name: string, cause: unknown): ParleyError {
  if (!(cause instanceof ParleyError)) {
    return new ParleyError('peer_unreachable', `cannot reach ${name}; try another provider`, { cause, isUnsent: true })
  }
  const { code, message, retryAfterSeconds } = cause
  return new ParleyError(code, message, {
    ...{ cause, isUnsent: true },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  })
}

/** The cash desk stays open until the answers are paid: without it the provider would cut them. */
function createEnds(answers: Pool, desk: Pool): Pick<PeerBackend, 'close' | 'destroy'> {
  const destroyed = Promise.withResolvers<void>()
  let destroying: Promise<void> | undefined
  let closing: Promise<void> | undefined
  const destroy = () => {
    destroying ??= Promise.all([answers.destroy(), desk.destroy()]).then(() => destroyed.resolve())
    return destroying
  }
  const finish = async (withinMs: number) => {
    if (destroying !== undefined) return await destroying
    const isBusy = answers.stats.size > 0
    const late = setTimeout(() => void destroy(), withinMs).unref()
    await Promise.race([answers.close(), destroyed.promise])
    if (isBusy) await Promise.race([new Promise(resolve => setTimeout(resolve, settleMs).unref()), destroyed.promise])
    clearTimeout(late)
    await destroy()
  }
  return {
    destroy,
    close: (withinMs = closeWithinMs) => {
      closing ??= finish(withinMs)
      return closing
    },
  }
}
