import { Pool } from 'undici'
import { z } from 'zod'
import type { Backend, Clock, Passage, Reply } from '../core/index.ts'
import { isTokenCall, ParleyError } from '../core/index.ts'
import { type Model, ModelList } from '../openai/index.ts'
import { guardedConnector } from './guard.ts'
import { createModelList } from './model-list.ts'
import { createOpenAiClient, type OpenAiClient } from './openai-client.ts'
import { runMedia } from './openai-media.ts'
import { createPassage } from './passage.ts'

export interface UpstreamOptions {
  readonly name: string
  /** Base URL as its documentation gives it, `/v1` included. */
  readonly url: string
  readonly apiKey?: string
  /** Serve only these; empty for all it lists. */
  readonly models?: readonly string[]
  readonly clock: Clock
  readonly connectTimeoutMs: number
  /** Whether it may be on this machine or in its own network; it may when missing. */
  readonly allowPrivate?: boolean | undefined
  /** How long the head of a streamed answer may take; the router's bound for the first word when missing. */
  readonly headersMs?: number | undefined
  readonly maxConnections: number
}

export interface UpstreamBackend extends Backend {
  /** The way to what the server keeps itself; absent where it keeps nothing. */
  readonly passage?: Passage
  close: () => Promise<void>
}

const listTimeoutMs = 8_000

/** Any OpenAI-compatible server, relayed byte for byte. */
export function createUpstream(options: UpstreamOptions): UpstreamBackend {
  const { name, connectTimeoutMs, allowPrivate = true } = options
  const { origin, basePath } = parseUrl(options)
  const dispatcher = new Pool(origin, {
    connections: options.maxConnections,
    allowH2: true,
    // Where TLS offers it: one connection then carries what would be a hundred.
    connect: guardedConnector({ connectTimeoutMs, allowPrivate, allowH2: true }),
    bodyTimeout: 0,
    headersTimeout: 0,
  })
  const headers: Record<string, string> =
    options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }
  const server = { name, dispatcher, origin, basePath, headers, isPeer: false }
  const client = createOpenAiClient({ ...server, headersMs: options.headersMs })
  const models = createModelList(() => listModels(client, `${basePath}/models`, options), options.clock)
  return {
    name,
    models,
    run: (call, { signal, takesRuns: joins = false }) =>
      isTokenCall(call) ? client.run(call, {}, signal, { joins }) : servedBy(name, runMedia(server, call, signal)),
    passage: createPassage(server),
    close: () => dispatcher.destroy(),
  }
}

async function* servedBy(name: string, answer: ReturnType<typeof runMedia>): Reply {
  return { ...(yield* answer), servedBy: name }
}

function parseUrl({ name, url }: UpstreamOptions): { origin: string; basePath: string } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new ParleyError('config_invalid', `the url of upstream ${name} is not http(s): ${url}; correct upstreams`)
  }
  return { origin: parsed.origin, basePath: parsed.pathname.replace(/\/+$/, '') }
}

async function listModels(client: OpenAiClient, path: string, options: UpstreamOptions): Promise<Model[]> {
  const { name, models: wanted = [] } = options
  try {
    const said = await client.json('GET', path, undefined, AbortSignal.timeout(listTimeoutMs))
    const list = ModelList.safeParse(withDefaults(said, options))
    if (!list.success) {
      throw new ParleyError('backend_failed', `${name} lists its models in an unknown shape`, { cause: list.error })
    }
    return list.data.data.filter(({ id }) => wanted.length === 0 || wanted.includes(id))
  } catch (cause) {
    if (wanted.length === 0 || !cannotList(ParleyError.from(cause))) throw cause
    return wanted.map(id => ({ id, object: 'model', created: 0, owned_by: name }))
  }
}

/** It has no such route, or answers it with something that is no list: then the configured names are all there is. */
function cannotList({ code, cause }: ParleyError): boolean {
  const isNoList = cause instanceof SyntaxError || cause instanceof z.ZodError
  return code === 'model_not_found' || code === 'unsupported' || isNoList
}

/** Many servers leave out all but the id, or say null. */
function withDefaults(list: unknown, { name }: UpstreamOptions): unknown {
  const data = (list as { data?: unknown } | null)?.data
  if (!Array.isArray(data)) return list
  const defaults = { object: 'model', created: 0, owned_by: name }
  return { object: 'list', data: data.map(entry => ({ ...defaults, ...said(entry), object: 'model' })) }
}

function said(entry: unknown): object {
  return Object.fromEntries(Object.entries(entry ?? {}).filter(([, value]) => value !== null))
}
