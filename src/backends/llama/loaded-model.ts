import { availableParallelism } from 'node:os'
import { type Clock, ParleyError, type Random } from '../../core/index.ts'
import { createEmbedder, type Embedder } from './embedder.ts'
import { loadFailure } from './failure.ts'
import type { GenerationRequest } from './generation.ts'
import { isSmall, type ModelFile } from './model-file.ts'
import type { EngineContext, EngineModel, EngineSampler, LoadedEngine } from './native.ts'
import { Scheduler } from './scheduler.ts'
import { type ChatTemplate, chatTemplate } from './template.ts'

export interface LoadedModel {
  readonly file: ModelFile
  readonly native: EngineModel
  /** Tokens a sequence holds: what was asked for, or less when memory was short. */
  readonly contextTokens: number
  readonly scheduler: Scheduler
  /** Throws `unsupported` for a model without a template. */
  template: () => ChatTemplate
  /** Made on first use: most models are never asked for vectors. */
  embedder: () => Promise<Embedder>
  decode: (tokens: Uint32Array) => string
  isEnd: (token: number) => boolean
  /** The state with which a sampler follows JSON, or JSON of a schema; one per answer. */
  grammar: (schema: unknown) => Promise<unknown>
  close: () => Promise<void>
}

export interface LoadParts {
  readonly engine: LoadedEngine
  readonly threads: number | undefined
  readonly waitingMax: number
  readonly clock: Clock
  readonly random: Random
  readonly exclusively: (work: () => Promise<void>) => Promise<void>
}

const batchTokens = 512

/** Loads a model and gives it one context whose sequences are shared by all calls. */
export async function loadModel(file: ModelFile, parts: LoadParts, signal: AbortSignal): Promise<LoadedModel> {
  const { engine } = parts.engine
  const threads = parts.threads ?? threadsFor(file, engine.cpuMathCores)
  let native: EngineModel | undefined
  try {
    native = await engine.loadModel({ modelPath: file.entry.path, loadSignal: signal })
    const isEmbedder = !file.abilities.includes('completion')
    const context = isEmbedder ? undefined : await createContext(file, native, threads, engine.gpu)
    return assemble(file, native, context, threads, parts)
  } catch (cause) {
    await native?.dispose()
    throw signal.aborted ? ParleyError.from(cause, signal) : await loadFailure(file, cause)
  }
}

/** Never all cores: the engine's threads spin while they wait for each other, and Node needs one of its own. */
export function threadsFor(file: ModelFile, mathCores: number): number {
  return isSmall(file) ? 1 : Math.max(1, Math.min(mathCores, availableParallelism()) - 1)
}

function createContext(
  file: ModelFile,
  native: EngineModel,
  threads: number,
  gpu: string | false,
): Promise<EngineContext> {
  return native.createContext({
    sequences: sequencesOf(file),
    contextSize: file.entry.contextTokens ?? { max: file.contextTokens },
    batchSize: batchTokens,
    // On a CPU the fused kernel is several times slower once the context has grown (measured: 15 ms against 3 at 1,500).
    flashAttention: gpu === false ? false : 'auto',
    threads,
  })
}

function sequencesOf(file: ModelFile): number {
  return file.entry.parallel ?? (isSmall(file) ? 8 : 4)
}

function assemble(
  file: ModelFile,
  native: EngineModel,
  context: EngineContext | undefined,
  threads: number,
  parts: LoadParts,
): LoadedModel {
  const { engine, grammarState } = parts.engine
  const scheduler = context && createScheduler(file, native, context, parts)
  let template: ChatTemplate | undefined
  const embedder = lazily(() => createEmbedder({ native, file, threads, exclusively: parts.exclusively }))
  return {
    file,
    native,
    contextTokens: context?.contextSize ?? file.contextTokens,
    get scheduler() {
      if (scheduler !== undefined) return scheduler
      throw new ParleyError('unsupported', `${file.entry.id} gives vectors and no words; use /v1/embeddings with it`)
    },
    template: () => (template ??= compileTemplate(file, native, parts)),
    embedder: embedder.get,
    decode: tokens => native._model.detokenize(tokens, false),
    isEnd: token => native._model.isEogToken(token) || token === native.tokens.eos,
    grammar: async schema => {
      const grammar = schema === undefined ? engine.getGrammarFor('json') : engine.createGrammarForJsonSchema(schema)
      return grammarState(native, await grammar)
    },
    close: async () => {
      await scheduler?.stop()
      await (await embedder.made())?.close()
      await context?.dispose()
      await native.dispose()
    },
  }
}

function compileTemplate({ entry, header, chatTemplate: source }: ModelFile, model: EngineModel, parts: LoadParts) {
  if (source !== undefined)
    return chatTemplate({ engine: parts.engine.engine, model, header, source, random: parts.random })
  throw new ParleyError('unsupported', `${entry.id} has no chat template; use /v1/completions with it`)
}

function createScheduler(file: ModelFile, native: EngineModel, context: EngineContext, parts: LoadParts): Scheduler {
  const { engine } = parts.engine
  const createSampler = ({ request }: { request: GenerationRequest }): EngineSampler => {
    const sampler = new engine._bindings.AddonSampler(native._model)
    sampler.applyConfig({ ...request.sampling })
    return sampler
  }
  const { waitingMax, clock, exclusively } = parts
  return new Scheduler({ context, sequences: sequencesOf(file), waitingMax, clock, createSampler, exclusively })
}

/** Made by the first who asks, shared by all; a failure is not remembered. */
function lazily<T>(make: () => Promise<T>): { get: () => Promise<T>; made: () => Promise<T | undefined> } {
  let made: Promise<T> | undefined
  return {
    get: () => {
      made ??= make().catch(cause => {
        made = undefined
        throw cause
      })
      return made
    },
    made: async () => await made?.catch(() => undefined),
  }
}
