import type { Call, Clock, Context, Reply } from '../../core/index.ts'
import { isTokenCall, ParleyError } from '../../core/index.ts'
import { createModelList } from '../model-list.ts'
import { createOpenAiClient } from '../openai-client.ts'
import type { UpstreamBackend } from '../upstream.ts'
import { ask } from './answer.ts'
import { anthropic } from './anthropic.ts'
import { azure } from './azure.ts'
import { bedrock } from './bedrock.ts'
import { chatOptions, completionOptions } from './chat-options.ts'
import { chatWriter, completionWriter } from './chunks.ts'
import { cohere } from './cohere.ts'
import { connect } from './connection.ts'
import { embed } from './embedding.ts'
import { failureOf } from './failure.ts'
import { google } from './google.ts'
import { listModels } from './listing.ts'
import { mistral } from './mistral.ts'
import type { AwsKeys, ServiceAdapter, ServiceKind, ServiceModels } from './service.ts'

export interface AdaptedOptions {
  readonly name: string
  readonly kind: ServiceKind
  /** Its own address when missing, or that of the region or the resource. */
  readonly url?: string | undefined
  readonly apiKey?: string | undefined
  /** Keys of an AWS account, which sign requests where there is no API key. */
  readonly aws?: AwsKeys | undefined
  /** Of Amazon Bedrock. */
  readonly region?: string | undefined
  /** Of Azure OpenAI. */
  readonly resource?: string | undefined
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

const services: Readonly<Record<ServiceKind, ServiceAdapter>> = { anthropic, google, mistral, cohere, bedrock, azure }

/** Where a service is reached. Throws `config_invalid` when too little is known to say. */
export function serviceUrl({
  name,
  kind,
  url,
  region,
  resource,
}: Pick<AdaptedOptions, 'name' | 'kind' | 'url' | 'region' | 'resource'>): string {
  const address = url ?? services[kind].address({ region, resource })
  if (address !== undefined) return address.replace(/\/+$/, '')
  const missing = kind === 'bedrock' ? 'region' : 'resource'
  throw new ParleyError('config_invalid', `upstream ${name} has no ${missing}; set it, or a url, in upstreams`)
}

/** A service with a protocol of its own, asked in that protocol and heard in OpenAI's. */
export function createAdapted(options: AdaptedOptions): UpstreamBackend {
  const { name, kind, clock, models = [] } = options
  const service = services[kind]
  if (service.listing === undefined && models.length === 0) {
    throw new ParleyError('config_invalid', `upstream ${name} cannot be asked for its models; name them in models`)
  }
  const url = serviceUrl(options)
  const { pool, origin, basePath, fetch } = connect({ ...options, url })
  const { apiKey = '', region, aws } = options
  const headers = service.listing?.headers(apiKey) ?? {}
  const client = createOpenAiClient({ name, dispatcher: pool, origin, basePath, headers, isPeer: false })
  const settings = { baseURL: url, apiKey, ...(region && { region }), ...(aws && { aws }) }
  const load = (headersMs?: number) => once(() => loaded(name, service.load({ ...settings, fetch: fetch(headersMs) })))
  const secrets = [apiKey, ...Object.values(aws ?? {})]
  const adapted = { name, service, secrets, clock, streaming: load(options.headersMs), embedding: load() }
  return {
    name,
    models: createModelList(() => listModels(service.listing, { name, client, basePath, models }), clock),
    run: (call, context) => run(adapted, call, context),
    close: () => pool.destroy(),
  }
}

interface Adapted {
  readonly name: string
  readonly service: ServiceAdapter
  readonly secrets: readonly string[]
  readonly clock: Clock
  readonly streaming: () => Promise<ServiceModels>
  readonly embedding: () => Promise<ServiceModels>
}

async function* run(adapted: Adapted, call: Call, context: Context): Reply {
  const { name, service, secrets, clock, streaming } = adapted
  const { signal } = context
  if (!isTokenCall(call)) throw new ParleyError('unsupported', `${name} does not do what this route asks for`)
  mustBeName(name, call.body.model)
  if (signal.aborted) throw ParleyError.from(signal.reason, signal)
  if (call.task === 'embedding') return yield* runEmbedding(adapted, call, context)
  const head = { created: Math.floor(clock.now() / 1000), model: call.body.model }
  const [writer, options] =
    call.task === 'chat'
      ? [chatWriter({ ...head, id: `chatcmpl-${context.id}` }), chatOptions(name, service, call.body)]
      : [completionWriter({ ...head, id: `cmpl-${context.id}` }), completionOptions(name, call.body)]
  const model = (await streaming()).chat(call.body.model)
  return { ...(yield* ask({ name, secrets, model, options, writer, signal })), servedBy: name }
}

async function* runEmbedding(adapted: Adapted, { body }: Call<'embedding'>, context: Context): Reply {
  const { name, secrets, service, embedding } = adapted
  const { signal } = context
  const model = (await embedding()).embedding?.(body.model)
  if (model === undefined) throw new ParleyError('unsupported', `${name} has no embeddings`)
  try {
    const providerOptions = service.embeddingOptions?.(body)
    const { chunk, usage } = await embed({ name, model, body, providerOptions, signal })
    yield chunk
    return { usage, servedBy: name, finishReason: null }
  } catch (cause) {
    throw failureOf(cause, { name, secrets, signal, isAnswering: false })
  }
}

/** Names of models become parts of addresses: one that could lead elsewhere is the name of nothing. */
function mustBeName(name: string, model: string): void {
  if (/^[\w.:@/-]{1,300}$/.test(model) && !model.includes('..')) return
  throw new ParleyError('model_not_found', `${name} has no model of this name; see GET /v1/models`, { param: 'model' })
}

async function loaded<T>(name: string, loading: Promise<T>): Promise<T> {
  try {
    return await loading
  } catch (cause) {
    throw new ParleyError('backend_failed', `what is needed to ask ${name} does not load; install this program again`, {
      cause,
    })
  }
}

/** The work's result for all who ask; after a failure the next one tries again. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= work().catch(cause => {
      result = undefined
      throw cause
    })
    return result
  }
}
