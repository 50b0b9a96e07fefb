import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createService } from '../backends/index.ts'
import type { Config } from '../config/index.ts'
import {
  type Backend,
  type Clock,
  type EventLog,
  type Hex,
  modelId,
  ParleyError,
  type Passage,
  type Random,
  type Service,
} from '../core/index.ts'
import type { Candidate, CandidateSource } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'
import { modelFacts } from './candidates.ts'

/** A model this node can answer with by itself, under its content-addressed id. */
export interface OwnModel {
  readonly model: Model
  readonly modelId: Hex
}

/** What this node answers with by itself: models on this machine and upstream servers. */
export interface OwnModels extends CandidateSource, Service {
  /** Everything that could be sold right now. The first time, it hashes the weights on this machine. */
  list: (signal: AbortSignal) => Promise<OwnModel[]>
  /** The models as they were listed last. */
  known: () => Model[]
  /** The servers that keep files and jobs of their own. */
  passages: () => Passage[]
}

export interface OwnModelsOptions {
  readonly config: Config
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly random: Random
  readonly log: EventLog
  /** Ways to answer beside those of the configuration. */
  readonly backends?: readonly OwnBackend[]
}

/** Code that answers, and what it holds until the node stops. */
export type OwnBackend = Backend & { readonly close?: () => Promise<void> }

/** A backend with the models it listed last. */
interface Source {
  readonly backend: Backend & { close?: () => Promise<void>; readonly passage?: Passage }
  readonly kind: 'local' | 'api'
  /** The content-addressed ids of the models, by name. */
  readonly ids: (signal: AbortSignal) => Promise<ReadonlyMap<string, Hex>>
  models: readonly Model[]
}

const relistMs = 20_000
/** Who cannot be listed is asked again after this, then after twice as long and so on: a server that starts is soon found. */
const firstRelistMs = 1_000
const firstListMs = 3_000
const listTimeoutMs = 10_000

export async function createOwnModels(options: OwnModelsOptions): Promise<OwnModels> {
  const { config, log } = options
  const llama = await localModels(options)
  const { backends = [] } = options
  const upstreams = config.upstreams.map(upstream => upstreamSource(upstream, options))
  const sources: Source[] = [...upstreams, ...backends.map(backend => apiSource(backend, `backend:${backend.name}`))]
  if (llama !== undefined) sources.unshift(llama.source)
  const lists = sources.map(source => createList(source, log))
  return {
    name: 'own models',
    start: async signal => {
      await llama?.service.start(signal)
      const listed = Promise.all(lists.map(list => list.start()))
      await Promise.race([listed, new Promise(resolve => setTimeout(resolve, firstListMs).unref())])
    },
    stop: async () => {
      for (const list of lists) list.stop()
      await llama?.service.stop()
      await Promise.all(sources.map(source => source.backend.close?.()))
    },
    serving: model => sources.flatMap(source => candidateOf(source, model)),
    names: () => sources.map(({ backend }) => backend.name),
    known: () => sources.flatMap(({ models }) => models),
    passages: () => sources.flatMap(({ backend }) => backend.passage ?? []),
    models: async () => sources.flatMap(({ models }) => models),
    list: async signal => (await Promise.all(sources.map(source => identified(source, signal)))).flat(),
  }
}

/** Keeps a source's models as it lists them, each source at its own pace. */
function createList(source: Source, log: EventLog) {
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let isStopped = false
  const list = async (): Promise<void> => {
    try {
      source.models = await source.backend.models(AbortSignal.timeout(listTimeoutMs))
      if (failures > 0) log.emit({ type: 'service.recovered', service: source.backend.name })
      failures = 0
    } catch (cause) {
      source.models = []
      failures++
      const { code, message } = ParleyError.from(cause)
      log.emit({ type: 'service.failed', service: source.backend.name, code, message })
    }
    const waitMs = failures === 0 ? relistMs : Math.min(relistMs, firstRelistMs * 2 ** (failures - 1))
    if (!isStopped) timer = setTimeout(() => void list(), waitMs).unref()
  }
  return {
    /** Resolves when it was listed, or could not be, for the first time. */
    start: list,
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

async function identified({ models, ids }: Source, signal: AbortSignal): Promise<OwnModel[]> {
  const known = await ids(signal)
  return models.flatMap(model => {
    const id = known.get(model.id)
    return id === undefined ? [] : [{ model, modelId: id }]
  })
}

function candidateOf({ backend, kind, models }: Source, name: string): Candidate[] {
  const model = models.find(({ id }) => id === name)
  return model === undefined ? [] : [{ name: backend.name, kind, backend, ...modelFacts(model) }]
}

function upstreamSource(upstream: Config['upstreams'][number], { env, clock, config }: OwnModelsOptions): Source {
  const { backend, url } = createService({
    ...upstream,
    apiKey: upstreamKey(upstream, env),
    env,
    clock,
    connectTimeoutMs: config.timeouts.connectMs,
    headersMs: config.timeouts.headersMs,
    maxConnections: 256,
  })
  return apiSource(backend, url)
}

function apiSource(backend: Source['backend'], place: string): Source {
  const source: Source = {
    backend,
    kind: 'api',
    models: [],
    ids: async () => new Map(source.models.map(model => [model.id, upstreamModelId(place, model)])),
  }
  return source
}

/** Weights behind an upstream cannot be hashed from here: the id says which server and which name instead. */
function upstreamModelId(place: string, { id, context_length = 0 }: Model): Hex {
  const unknown = { weights: [], quantization: '', tokenizer: '', chatTemplate: '' }
  return modelId({ ...unknown, contextTokens: context_length, modality: 'text', source: `${place}#${id}` })
}

function upstreamKey(
  { name, keyEnv, keyFile }: Config['upstreams'][number],
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (keyEnv !== undefined) {
    const key = env[keyEnv]
    if (key) return key
    throw new ParleyError('config_invalid', `upstream ${name} takes its key from ${keyEnv}, which is not set; set it`)
  }
  if (keyFile === undefined) return undefined
  try {
    return readFileSync(keyFile, 'utf8').trim()
  } catch (cause) {
    throw new ParleyError('config_invalid', `the key file of upstream ${name} cannot be read: ${keyFile}`, { cause })
  }
}

/** The engine is an optional part and is loaded only when there is a model to serve. */
async function localModels({ config, clock, random, log }: OwnModelsOptions) {
  const { local, nano, directory } = config.models
  const models = [
    ...local.map(model => ({ ...model, path: resolve(directory, model.path) })),
    ...(nano ? [nanoModel] : []),
  ]
  if (models.length === 0) return undefined
  const { createLlamaBackend } = await import('../backends/llama/index.ts')
  // Whoever sells has the model ready before the first buyer comes; whoever does not saves its memory until it is asked.
  const preload = config.provider.enabled
  const backend = createLlamaBackend({ name: config.node.name, models, preload, clock, random, log })
  const ids = async (signal: AbortSignal) => {
    const offered = await backend.offered(signal)
    return new Map(offered.map(({ id, modelId }) => [id, modelId]))
  }
  const source: Source = { backend, kind: 'local', models: [], ids }
  return { source, service: backend }
}

/** The tiny model that ships with the node. */
const nanoModel = {
  id: 'parley-nano',
  path: fileURLToPath(new URL('../../scripts/nano-model/parley-nano-q8_0.gguf', import.meta.url)),
}
