import type { EmbeddingModelV4, LanguageModelV4, SharedV4ProviderOptions } from '@ai-sdk/provider'
import type { ChatRequest, EmbeddingRequest, Model } from '../../openai/index.ts'

export type ServiceKind = 'anthropic' | 'google' | 'mistral' | 'cohere' | 'bedrock' | 'azure'

/** Keys of an AWS account, where a service signs its requests instead of showing an API key. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** What a service's package is given. Everything is said: what is left out it would look for in the environment. */
export interface ServiceSettings {
  /** Base URL with its version, without a slash at the end. */
  readonly baseURL: string
  /** Empty for a proxy that needs none. */
  readonly apiKey: string
  readonly fetch: typeof globalThis.fetch
  readonly region?: string
  readonly aws?: AwsKeys
}

/** Models of a service, by name. */
export interface ServiceModels {
  readonly chat: (model: string) => LanguageModelV4
  readonly embedding?: (model: string) => EmbeddingModelV4
}

/** A service's list of its models: how it is asked, and what its answer says. */
export interface Listing {
  /** Path and query from the origin. */
  readonly path: (basePath: string) => string
  readonly headers: (apiKey: string) => Readonly<Record<string, string>>
  /** The models of an answer, undefined when it is no list; what is no entry is left out. */
  readonly read: (answer: unknown) => Partial<Model>[] | undefined
}

/** What is particular to one service; one file each, which alone touches its package. */
export interface ServiceAdapter {
  /** Its address; undefined when a region or a resource has to be given. */
  readonly address: (place: { region?: string | undefined; resource?: string | undefined }) => string | undefined
  readonly load: (settings: ServiceSettings) => Promise<ServiceModels>
  readonly listing?: Listing
  /** Whether instructions may stand between other messages. Elsewhere all of them go to the front. */
  readonly takesLateInstructions?: boolean
  /** Whether a reasoning model must be given its own earlier thoughts, which apps do not keep, with its tool calls. */
  readonly needsOwnThoughts?: boolean
  /** Whether `chatOptions` hands on `max_completion_tokens`, the limit of reasoning models, by itself. */
  readonly namesCompletionLimit?: boolean
  /** Wishes of a request that have no common name. */
  readonly chatOptions?: (body: Readonly<ChatRequest>) => SharedV4ProviderOptions
  readonly embeddingOptions?: (body: Readonly<EmbeddingRequest>) => SharedV4ProviderOptions
}
