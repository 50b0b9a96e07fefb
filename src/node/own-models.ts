import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config/index.ts'
import type { Backend, Clock, EventLog, Hex, Passage, Random, Service } from '../core/index.ts'
import type { CandidateSource } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'
import {
  candidateOf,
  connectionOf,
  createSource,
  type Source,
  serverOf,
  type Upstream,
  upstreamSource,
} from './source.ts'

/** A model this node can answer with by itself, under its content-addressed id. */
export interface OwnModel {
  readonly model: Model
  readonly modelId: Hex
}

/** Code that answers, and what it holds until the node stops. */
export type OwnBackend = Backend & { readonly close?: () => Promise<void> }

/** A source, and what is set up of it; nothing of what came with the node's code. */
export interface Member {
  readonly source: Source
  readonly upstream: Upstream | undefined
}

/** All that answers here under one setup. It stays what it is when the setup changes: running calls go on with it. */
export interface Fleet extends CandidateSource {
  readonly members: readonly Member[]
}

/** What this node answers with by itself: models on this machine and upstream servers, as they are set up right now. */
export interface OwnModels extends CandidateSource, Service {
  /** Everything that could be sold right now. The first time, it hashes the weights on this machine. */
  list: (signal: AbortSignal) => Promise<OwnModel[]>
  /** The models as they were listed last. */
  known: () => Model[]
  /** The servers that keep files and jobs of their own. */
  passages: () => Passage[]
  fleet: () => Fleet
  /**
   * Opens what a setup needs beside what is there, and waits a moment for its lists. What did not change is taken over as it
   * is. Throws where an entry cannot be opened; then nothing was.
   */
  prepare: (upstreams: readonly Upstream[]) => Promise<Fleet>
  /** From now on. What it no longer has is returned, to be closed once nobody uses it. */
  use: (fleet: Fleet) => readonly Source[]
}

export interface OwnModelsOptions {
  readonly config: Config
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly random: Random
  readonly log: EventLog
  /** Ways to answer beside those of the configuration. */
  readonly backends?: readonly OwnBackend[]
  /** What is there from the start. */
  readonly upstreams: readonly Upstream[]
}

const tickMs = 250
/** How long a start, or a change, waits for lists that do not come; where something else is known of the models, shorter. */
const firstListMs = 3_000
const expectedListMs = 500

export async function createOwnModels(options: OwnModelsOptions): Promise<OwnModels> {
  const { log, clock, backends = [] } = options
  const llama = await localModels(options)
  const others = backends.map(backend => {
    const place = `backend:${backend.name}`
    return createSource({ backend, kind: 'api', place }, { log, clock })
  })
  const fixed = { before: llama === undefined ? [] : [llama.source], after: others }
  let fleet = fleetOf(fixed, openAll(options.upstreams, undefined, options))
  let isRunning = false
  let timer: NodeJS.Timeout | undefined
  const sources = () => fleet.members.map(({ source }) => source)
  return {
    name: 'own models',
    start: async signal => {
      await llama?.service.start(signal)
      isRunning = true
      await listed(sources(), firstListMs)
      timer = setInterval(() => relist(sources()), tickMs).unref()
    },
    stop: async () => {
      isRunning = false
      clearInterval(timer)
      for (const { listing } of sources()) listing.stop()
      await llama?.service.stop()
      await Promise.all(sources().map(source => source.close()))
    },
    serving: model => fleet.serving(model),
    names: () => fleet.names?.() ?? [],
    models: signal => fleet.models(signal),
    known: () => modelsOf(sources()),
    passages: () => sources().flatMap(({ passage }) => passage ?? []),
    list: async signal => (await Promise.all(sources().map(source => identified(source, signal)))).flat(),
    fleet: () => fleet,
    prepare: async upstreams => {
      const members = openAll(upstreams, fleet, options)
      const next = fleetOf(fixed, members)
      if (isRunning) await newlyListed(members, fleet)
      return next
    },
    use: next => {
      const gone = sources().filter(source => !next.members.some(member => member.source === source))
      for (const { listing } of gone) listing.stop()
      fleet = next
      return gone
    },
  }
}

function fleetOf({ before, after }: { before: Source[]; after: Source[] }, upstreams: readonly Member[]): Fleet {
  const plain = (source: Source): Member => ({ source, upstream: undefined })
  const members = [...before.map(plain), ...upstreams, ...after.map(plain)]
  return {
    members,
    serving: model => members.flatMap(({ source, upstream }) => candidateOf(source, upstream, model)),
    names: () => members.map(({ source }) => source.name),
    models: async () => modelsOf(members.map(({ source }) => source)),
  }
}

function modelsOf(sources: readonly Source[]): Model[] {
  return sources.flatMap(({ listing }) => listing.models())
}

function relist(sources: readonly Source[]): void {
  for (const { listing } of sources) if (listing.isDue()) void listing.refresh()
}

async function listed(sources: readonly Source[], waitMs: number): Promise<void> {
  const all = Promise.all(sources.map(({ listing }) => listing.refresh()))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise(resolve => (timer = setTimeout(resolve, waitMs).unref()))
  await Promise.race([all, late]).finally(() => clearTimeout(timer))
}

/** Waits for the lists of what was opened, longer for those of whose models nothing is known. */
async function newlyListed(members: readonly Member[], { members: known }: Fleet): Promise<void> {
  const fresh = members.map(({ source }) => source).filter(source => !known.some(member => member.source === source))
  const expected = (source: Source) => source.listing.models().length > 0
  const [surely, unknown] = [fresh.filter(expected), fresh.filter(source => !expected(source))]
  await Promise.all([listed(surely, expectedListMs), listed(unknown, firstListMs)])
}

/** Each entry with the source it had, if its connection is the same, or with a new one. */
function openAll(upstreams: readonly Upstream[], fleet: Fleet | undefined, options: OwnModelsOptions): Member[] {
  const known = new Map(fleet?.members.map(member => [member.source.name, member]))
  const opened: Source[] = []
  try {
    return upstreams.map(upstream => {
      const member = known.get(upstream.name)
      const isSame = member?.upstream !== undefined && connectionOf(member.upstream) === connectionOf(upstream)
      if (isSame) return { source: member.source, upstream }
      const source = upstreamSource(upstream, { ...options, expected: expectedOf(upstream, member) })
      opened.push(source)
      return { source, upstream }
    })
  } catch (cause) {
    for (const source of opened) void source.close()
    throw cause
  }
}

/** Until it has listed its models itself: those the same server had under another key. */
function expectedOf(upstream: Upstream, former: Member | undefined): readonly Model[] {
  if (former?.upstream === undefined || serverOf(former.upstream) !== serverOf(upstream)) return []
  const before = former.source.listing.models()
  const { models } = upstream
  return models.length === 0 ? before : before.filter(({ id }) => models.includes(id))
}

async function identified({ listing, ids }: Source, signal: AbortSignal): Promise<OwnModel[]> {
  const known = await ids(signal)
  return listing.models().flatMap(model => {
    const id = known.get(model.id)
    return id === undefined ? [] : [{ model, modelId: id }]
  })
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
  // The engine is a service of its own: it is stopped, and not closed.
  return { source: createSource({ backend, kind: 'local', ids }, { log, clock }), service: backend }
}

/** The tiny model that ships with the node. */
const nanoModel = {
  id: 'parley-nano',
  path: fileURLToPath(new URL('../../scripts/nano-model/parley-nano-q8_0.gguf', import.meta.url)),
}
