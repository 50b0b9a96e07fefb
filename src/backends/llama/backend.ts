import {
  type Backend,
  type Call,
  type Clock,
  type Context,
  type EventLog,
  isTokenCall,
  ParleyError,
  type Random,
  type Reply,
  type Service,
  type TokenCall,
} from '../../core/index.ts'
import { tellAnswer } from './answer.ts'
import { chatAnswer } from './chat.ts'
import { completionAnswer } from './completion.ts'
import { orAbort } from './embedder.ts'
import { tellEmbeddings } from './embedding.ts'
import { engineFailure, namingFile } from './failure.ts'
import { type LoadedModel, loadModel } from './loaded-model.ts'
import { manifestOf, type OfferedModel, offeredModel } from './manifest.ts'
import { type ModelEntry, type ModelFile, modelOf, openModelFile } from './model-file.ts'
import { type EngineOptions, type LoadedEngine, loadEngine } from './native.ts'
import { createLock } from './scheduler.ts'
import type { CallParts } from './task.ts'

export interface LlamaOptions extends EngineOptions {
  readonly models: readonly ModelEntry[]
  readonly clock: Clock
  readonly random: Random
  /** Default `llama`. */
  readonly name?: string
  /** Calls per model that may wait for a free sequence. Default 32. */
  readonly waitingMax?: number
  /** Load all models at start instead of each on its first call. */
  readonly preload?: boolean
  readonly log?: EventLog
}

export interface LlamaBackend extends Backend, Service {
  /** What each model is, by content: for offers. Reads each weight file once; the sums are kept beside them. */
  offered: (signal: AbortSignal) => Promise<OfferedModel[]>
}

interface Served {
  readonly file: ModelFile
  loading: Promise<LoadedModel> | undefined
}

/** Models in GGUF files of this machine, run by node-llama-cpp. */
export function createLlamaBackend(options: LlamaOptions): LlamaBackend {
  const name = options.name ?? 'llama'
  const library = new Library(options)
  return {
    name,
    start: signal => library.start(signal),
    stop: () => library.stop(),
    models: async signal => (await library.files(signal)).map(modelOf),
    offered: async signal => {
      const files = await library.files(signal)
      return Promise.all(files.map(async file => offeredModel(file, await manifestOf(file, signal))))
    },
    run: (call, context) => run(library, call, context, partsOf(context, name, options)),
  }
}

async function* run(library: Library, call: Call, context: Context, parts: CallParts): Reply {
  try {
    if (!isTokenCall(call)) {
      throw new ParleyError('unsupported', `models run here do not answer ${call.task} calls; name an upstream’s model`)
    }
    const model = await library.loaded(call.body.model, context.signal)
    return yield* answer(model, call, context, parts)
  } catch (cause) {
    throw engineFailure(cause, context.signal)
  }
}

async function* answer(model: LoadedModel, call: TokenCall, context: Context, parts: CallParts): Reply {
  switch (call.task) {
    case 'chat':
      return yield* tellAnswer(model, await chatAnswer(model, call.body, parts), context)
    case 'completion':
      return yield* tellAnswer(model, completionAnswer(model, call.body, parts), context)
    case 'embedding':
      return yield* tellEmbeddings(model, call.body, context, parts)
  }
}

function partsOf(context: Context, name: string, { clock, random }: LlamaOptions): CallParts {
  const owner = `${context.principal.kind}:${context.principal.id}`
  return { id: context.id, createdSeconds: Math.floor(clock.now() / 1_000), owner, servedBy: name, random }
}

/** The models and their lives: opened once, loaded on first use or at start, closed together. */
class Library {
  readonly #options: LlamaOptions
  readonly #exclusively = createLock()
  readonly #closing = new AbortController()
  #opened: Promise<Map<string, Served>> | undefined
  #engine: Promise<LoadedEngine> | undefined

  constructor(options: LlamaOptions) {
    this.#options = options
  }

  async start(signal: AbortSignal): Promise<void> {
    const served = await orAbort(this.#open(), signal)
    if (!this.#options.preload) return
    for (const [id, { file }] of served) {
      await this.loaded(id, signal).catch(cause => {
        throw namingFile(file, engineFailure(cause, signal))
      })
    }
  }

  async stop(): Promise<void> {
    this.#closing.abort(new ParleyError('stopping', 'the node is shutting down'))
    const served = (await this.#opened?.catch(() => undefined)) ?? new Map<string, Served>()
    for (const { loading } of served.values()) await (await loading?.catch(() => undefined))?.close()
  }

  async files(signal: AbortSignal): Promise<ModelFile[]> {
    const served = await orAbort(this.#open(), signal)
    return [...served.values()].map(({ file }) => file)
  }

  /** The model, loaded. Callers who come while it loads wait for the same load. */
  async loaded(id: string, signal: AbortSignal): Promise<LoadedModel> {
    if (this.#closing.signal.aborted) throw ParleyError.from(this.#closing.signal.reason)
    const served = (await orAbort(this.#open(), signal)).get(id)
    if (served === undefined) throw new ParleyError('model_not_found', `${id} is not served here`, { param: 'model' })
    served.loading ??= this.#load(served)
    return await orAbort(served.loading, signal)
  }

  async #load(served: Served): Promise<LoadedModel> {
    const { clock, random, log, waitingMax } = this.#options
    const { threads } = served.file.entry
    const startedAt = clock.monotonic()
    try {
      const engine = await (this.#engine ??= loadEngine(this.#options))
      // Vulkan drivers crash when two contexts compute at once; every other device takes them in parallel.
      const exclusively = engine.engine.gpu === 'vulkan' ? this.#exclusively : (work: () => Promise<void>) => work()
      const parts = { engine, threads, waitingMax: waitingMax ?? 32, clock, random, exclusively }
      const model = await loadModel(served.file, parts, this.#closing.signal)
      log?.emit({ type: 'model.loaded', model: served.file.entry.id, ms: clock.monotonic() - startedAt })
      return model
    } catch (cause) {
      served.loading = undefined
      throw cause
    }
  }

  #open(): Promise<Map<string, Served>> {
    this.#opened ??= openAll(this.#options.models).catch(cause => {
      this.#opened = undefined
      throw cause
    })
    return this.#opened
  }
}

async function openAll(entries: readonly ModelEntry[]): Promise<Map<string, Served>> {
  const served = new Map<string, Served>()
  for (const entry of entries) {
    checkEntry(entry, served)
    served.set(entry.id, { file: await openModelFile(entry), loading: undefined })
  }
  return served
}

function checkEntry(
  { id, contextTokens = 2_048, parallel = 1, threads = 1 }: ModelEntry,
  served: ReadonlyMap<string, unknown>,
): void {
  const isWhole = (value: number, max: number) => Number.isInteger(value) && value >= 1 && value <= max
  if (id === '' || served.has(id))
    throw new ParleyError('config_invalid', `the model id '${id}' is empty or used twice`)
  if (!isWhole(contextTokens, 16_777_216))
    throw new ParleyError('config_invalid', `contextTokens of ${id} is out of range`)
  if (!isWhole(threads, 512))
    throw new ParleyError('config_invalid', `threads of ${id} is a whole number from 1 to 512`)
  if (!isWhole(parallel, 64))
    throw new ParleyError('config_invalid', `parallel of ${id} is a whole number from 1 to 64`)
}
