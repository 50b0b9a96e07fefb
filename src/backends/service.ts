import { ParleyError } from '../core/index.ts'
import { type AdaptedOptions, createAdapted, type ServiceKind, serviceUrl } from './adapted/index.ts'
import { createUpstream, type UpstreamBackend } from './upstream.ts'

export interface ServiceOptions extends Omit<AdaptedOptions, 'kind' | 'aws' | 'models'> {
  readonly kind: 'openai' | ServiceKind
  readonly models: readonly string[]
  readonly headersMs?: number
  /** Where the keys of an AWS account are looked for. */
  readonly env: NodeJS.ProcessEnv
}

export interface Service {
  readonly backend: UpstreamBackend
  /** Base URL of what answers. */
  readonly url: string
}

/** Any AI service: relayed byte for byte when it speaks OpenAI's protocol, translated when it speaks its own. */
export function createService(options: ServiceOptions): Service {
  const { name, kind, url, apiKey } = options
  if (kind === 'openai') {
    if (url === undefined) throw new ParleyError('config_invalid', `upstream ${name} has no url; set it in upstreams`)
    const { models, clock, connectTimeoutMs, allowPrivate, headersMs, maxConnections } = options
    const bounds = { connectTimeoutMs, allowPrivate, headersMs, maxConnections }
    return { url, backend: createUpstream({ name, url, models, clock, ...bounds, ...(apiKey && { apiKey }) }) }
  }
  const aws = kind === 'bedrock' && apiKey === undefined ? awsKeys(options) : undefined
  const adapted = { ...options, kind, aws }
  return { url: serviceUrl(adapted), backend: createAdapted(adapted) }
}

/** The keys of the account this node runs as; undefined when there is a proxy that may have its own. */
function awsKeys({ name, url, region, env }: ServiceOptions) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env
  if (accessKeyId && secretAccessKey && region !== undefined) {
    return { accessKeyId, secretAccessKey, ...(token && { sessionToken: token }) }
  }
  if (url !== undefined) return undefined
  throw new ParleyError(
    'config_invalid',
    `upstream ${name} has no key; set keyEnv, keyFile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
  )
}
