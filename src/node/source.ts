import { createService } from '../backends/index.ts'
import type { Config, UpstreamConfig } from '../config/index.ts'
import {
  type Backend,
  type Clock,
  type DollarPrices,
  type Hex,
  modelId,
  type Passage,
  type PassageAnswer,
} from '../core/index.ts'
import type { Candidate } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'
import { modelFacts } from './candidates.ts'
import { createListing, type Listing, type ListingOptions } from './listing.ts'
import { priceFor } from './prices.ts'

/** An upstream with all it needs to be asked, its key included: never to be shown. */
export interface Upstream extends UpstreamConfig {
  readonly apiKey: string | undefined
  readonly source: 'file' | 'store'
  /** Of its row. */
  readonly id?: string
}

type OwnedBackend = Backend & { readonly close?: () => Promise<void>; readonly passage?: Passage }

/** A backend of this node with the models it listed last. */
export interface Source {
  readonly name: string
  readonly kind: 'local' | 'api'
  readonly backend: OwnedBackend
  readonly listing: Listing
  readonly passage: Passage | undefined
  /** The content-addressed ids of the models, by name. */
  readonly ids: (signal: AbortSignal) => Promise<ReadonlyMap<string, Hex>>
  /** Requests for what it keeps that are under way: they belong to no call. */
  readonly passing: () => number
  readonly close: () => Promise<void>
}

type SourceParts = Pick<Source, 'backend' | 'kind'> & { readonly ids?: Source['ids']; readonly place?: string }

export function createSource({ backend, kind, ids, place = '' }: SourceParts, options: ListingOptions): Source {
  const listing = createListing(backend, options)
  const passage = backend.passage && counted(backend.passage)
  return {
    ...{ name: backend.name, kind, backend, listing },
    ids: ids ?? (async () => new Map(listing.models().map(model => [model.id, placedModelId(place, model)]))),
    passage: passage?.passage,
    passing: passage?.running ?? (() => 0),
    close: async () => {
      listing.stop()
      await backend.close?.()
    },
  }
}

export interface UpstreamSourceOptions extends ListingOptions {
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly config: Pick<Config, 'timeouts' | 'management'>
}

/** Opens nothing yet. Throws `config_invalid` where the entry lacks what its kind needs. */
export function upstreamSource(upstream: Upstream, options: UpstreamSourceOptions): Source {
  const { env, clock, config } = options
  const { timeouts, management } = config
  const { backend, url } = createService({
    ...{ ...upstream, env, clock },
    // The file is the operator's own word; what came over the network follows the setting.
    allowPrivate: upstream.source === 'file' || management.allowPrivateUpstreams,
    connectTimeoutMs: timeouts.connectMs,
    headersMs: timeouts.headersMs,
    maxConnections: 256,
  })
  return createSource({ backend, kind: 'api', place: url }, options)
}

/** Which server it is, whoever asks it. */
export function serverOf({ kind, url, region, resource }: Upstream): string {
  return JSON.stringify([kind, url, region, resource])
}

/** What makes a connection another one; the rest of an entry may change under it. */
export function connectionOf(upstream: Upstream): string {
  return JSON.stringify([serverOf(upstream), upstream.source, upstream.models, upstream.apiKey])
}

/** The source as a way to answer with a model, with what the operator says of it. */
export function candidateOf(
  { backend, kind, listing }: Source,
  upstream: Upstream | undefined,
  name: string,
): Candidate[] {
  const model = listing.models().find(({ id }) => id === name)
  if (model === undefined) return []
  return [{ name: backend.name, kind, backend, ...modelFacts(model), ...saidOf(upstream, name) }]
}

function saidOf(upstream: Upstream | undefined, model: string) {
  if (upstream === undefined) return {}
  const { weight, priority, prices } = upstream
  const dollars: DollarPrices | undefined = priceFor(prices, model)
  return {
    ...(weight !== undefined && { weight }),
    ...(priority !== undefined && { priority }),
    ...(dollars !== undefined && { dollars }),
  }
}

/** Weights behind an upstream cannot be hashed from here: the id says which server and which name instead. */
function placedModelId(place: string, { id, context_length = 0 }: Model): Hex {
  const unknown = { weights: [], quantization: '', tokenizer: '', chatTemplate: '' }
  return modelId({ ...unknown, contextTokens: context_length, modality: 'text', source: `${place}#${id}` })
}

function counted(passage: Passage): { readonly passage: Passage; readonly running: () => number } {
  let running = 0
  const read = async function* (body: PassageAnswer['body']) {
    try {
      yield* body
    } finally {
      running--
    }
  }
  return {
    running: () => running,
    passage: {
      name: passage.name,
      request: async request => {
        running++
        try {
          const answer = await passage.request(request)
          return { ...answer, body: read(answer.body) }
        } catch (cause) {
          running--
          throw cause
        }
      },
    },
  }
}
