import { ParleyError } from '../../core/index.ts'

/**
 * The part of node-llama-cpp this folder uses, and the only file that imports it. Batches are put together here and not by
 * the library's own queue (`_ctx`, `_model` and `_bindings` are its internals), because all sequences must advance together:
 * see scheduler.ts. The package is pinned to the exact version these shapes were read from, and `loadEngine` checks them.
 */
export interface Engine {
  readonly gpu: string | false
  readonly cpuMathCores: number
  loadModel: (options: LoadOptions) => Promise<EngineModel>
  getGrammarFor: (type: 'json') => Promise<EngineGrammar>
  createGrammarForJsonSchema: (schema: unknown) => Promise<EngineGrammar>
  dispose: () => Promise<void>
  readonly _bindings: {
    AddonSampler: new (model: unknown) => EngineSampler
    AddonJinjaRenderer: new (template: string) => { render: (variables: Record<string, unknown>) => string }
  }
}

export interface LoadOptions {
  modelPath: string
  gpuLayers?: number | 'auto' | 'max'
  loadSignal?: AbortSignal
}

export interface EngineModel {
  readonly trainContextSize: number
  readonly tokens: {
    readonly bos: number | null
    readonly eos: number | null
    readonly bosString: string | null
    readonly eosString: string | null
    readonly shouldPrependBosToken: boolean
    readonly infill: { readonly prefix: number | null; readonly suffix: number | null; readonly middle: number | null }
  }
  readonly _model: {
    tokenize: (text: string, parseSpecial: boolean) => Uint32Array
    detokenize: (tokens: Uint32Array, showSpecial?: boolean) => string
    isEogToken: (token: number) => boolean
  }
  createContext: (options: ContextOptions) => Promise<EngineContext>
  createEmbeddingContext: (options: ContextOptions) => Promise<EngineEmbedder>
  dispose: () => Promise<void>
}

export interface ContextOptions {
  sequences?: number
  contextSize: number | { max: number }
  batchSize?: number
  flashAttention?: boolean | 'auto'
  threads: number
}

export interface EngineContext {
  /** Tokens each sequence can hold. */
  readonly contextSize: number
  readonly batchSize: number
  readonly _ctx: EngineDecoder
  dispose: () => Promise<void>
}

export interface EngineDecoder {
  initBatch: (tokens: number) => void
  addToBatch: (sequence: number, firstPosition: number, tokens: Uint32Array, wantLogits: Uint32Array) => Uint32Array
  decodeBatch: () => Promise<void>
  /** The next token, or -1 when nothing can be sampled. */
  sampleToken: (logits: number, sampler: EngineSampler) => Promise<number>
  removeTokenCellsFromSequence: (sequence: number, from: number, to: number) => boolean
  getSequenceKvCacheMinPosition: (sequence: number) => number
}

export interface EngineSampler {
  applyConfig: (config: Record<string, unknown>) => void
  dispose: () => void
}

export interface EngineGrammar {
  /** What the model says when it should have ended; the library's own way out of endless white space. */
  readonly stopGenerationTriggers: readonly { toString: () => string }[]
}

export interface EngineEmbedder {
  getEmbeddingFor: (tokens: number[]) => Promise<{ readonly vector: readonly number[] }>
  dispose: () => Promise<void>
  readonly _llamaContext: { readonly contextSize: number }
}

export interface EngineOptions {
  /** `auto` takes what is there; false keeps to the CPU. */
  gpu?: 'auto' | 'cuda' | 'metal' | 'vulkan' | false
}

interface EngineModule {
  getLlama: (options: Record<string, unknown>) => Promise<Engine>
  LlamaLogLevel: { error: string }
  LlamaGrammarEvaluationState: new (parts: { model: EngineModel; grammar: EngineGrammar }) => { _state: unknown }
}

export interface LoadedEngine {
  readonly engine: Engine
  /** The state a sampler needs to follow a grammar; one per answer. */
  grammarState: (model: EngineModel, grammar: EngineGrammar) => unknown
}

const install = 'npm install node-llama-cpp@3.21.1'

/** Imports node-llama-cpp, which is optional: only a node that serves local models needs it. Nothing is built or downloaded. */
export async function loadEngine(options: EngineOptions): Promise<LoadedEngine> {
  const module = await importModule()
  try {
    const engine = await module.getLlama({
      gpu: options.gpu ?? 'auto',
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      maxThreads: 0,
      logLevel: module.LlamaLogLevel.error,
      logger: () => {},
    })
    checkShapes(engine)
    return {
      engine,
      grammarState: (model, grammar) => new module.LlamaGrammarEvaluationState({ model, grammar })._state,
    }
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause
    throw new ParleyError('missing_part', `node-llama-cpp has no binary for this machine; reinstall it: ${install}`, {
      cause,
    })
  }
}

async function importModule(): Promise<EngineModule> {
  const name = 'node-llama-cpp'
  try {
    return (await import(name)) as EngineModule
  } catch (cause) {
    throw new ParleyError('missing_part', `local models need node-llama-cpp; install it: ${install}`, { cause })
  }
}

function checkShapes(engine: Engine): void {
  const { AddonSampler, AddonJinjaRenderer } = engine._bindings ?? {}
  if (typeof AddonSampler === 'function' && typeof AddonJinjaRenderer === 'function') return
  throw new ParleyError('missing_part', `this version of node-llama-cpp is not the one this node knows: ${install}`)
}
