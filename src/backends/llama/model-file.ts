import { stat } from 'node:fs/promises'
import type { Model } from '../../openai/index.ts'
import { type GgufHeader, readGguf } from './gguf.ts'
import { speaksToolCalls } from './tool-calls.ts'

/** A model this node serves from a file of its own. */
export interface ModelEntry {
  /** The name requests ask for. */
  readonly id: string
  /** The GGUF file; of a split model, the first part. */
  readonly path: string
  /** Tokens of prompt and answer together, per sequence. Default: what the model was trained for, at most 8,192. */
  readonly contextTokens?: number
  /** Answers computed at the same time, 1 to 64. Default 8 for small models, 4 for others. */
  readonly parallel?: number
  /** Engine threads. Default: one for models under 100 million parameters, else the cores but one. */
  readonly threads?: number
}

export type Ability = 'chat' | 'completion' | 'embedding' | 'tools'

/** What is known of a model from its file alone, without loading it. */
export interface ModelFile {
  readonly entry: ModelEntry
  readonly header: GgufHeader
  readonly sizeBytes: number
  readonly createdSeconds: number
  readonly contextTokens: number
  readonly chatTemplate: string | undefined
  readonly abilities: readonly Ability[]
}

const defaultContextTokens = 8_192

/** Below this many parameters threads cost more than they bring, and memory is no concern. */
export const smallModelParameters = 100_000_000

export async function openModelFile(entry: ModelEntry): Promise<ModelFile> {
  const header = await readGguf(entry.path)
  const { size: sizeBytes, mtimeMs } = await stat(entry.path)
  const trained = trainedContext(header)
  const template = header.metadata.get('tokenizer.chat_template')
  const chatTemplate = typeof template === 'string' && template !== '' ? template : undefined
  return {
    entry,
    header,
    sizeBytes,
    createdSeconds: Math.floor(mtimeMs / 1_000),
    contextTokens: entry.contextTokens ?? Math.min(trained, defaultContextTokens),
    chatTemplate,
    abilities: isEmbedder(header) ? ['embedding'] : abilitiesOf(header, chatTemplate),
  }
}

/** A template that speaks of tools is no proof that its model can use them; models this small never can. */
function abilitiesOf(header: GgufHeader, chatTemplate: string | undefined): Ability[] {
  if (chatTemplate === undefined) return ['completion', 'embedding']
  const canCall = speaksToolCalls(chatTemplate) && header.parameters >= smallModelParameters
  return ['chat', 'completion', 'embedding', ...(canCall ? (['tools'] as const) : [])]
}

/** Its entry in `/v1/models`. */
export function modelOf(file: ModelFile): Model {
  return {
    id: file.entry.id,
    object: 'model',
    created: file.createdSeconds,
    owned_by: 'local',
    context_length: file.contextTokens,
    max_model_len: file.contextTokens,
    capabilities: [...file.abilities],
  }
}

export function isSmall(file: ModelFile): boolean {
  return file.header.parameters < smallModelParameters
}

/** The context the model was trained for. */
export function trainedContext(header: GgufHeader): number {
  const value = header.metadata.get(`${header.metadata.get('general.architecture')}.context_length`)
  const tokens = Number(typeof value === 'number' || typeof value === 'bigint' ? value : 0)
  return Number.isSafeInteger(tokens) && tokens > 0 ? tokens : 2_048
}

const encoders = /bert|t5encoder|embedding/

/** Encoders, and models trained for vectors only, have no words to give. */
export function isEmbedder({ metadata }: GgufHeader): boolean {
  const architecture = String(metadata.get('general.architecture'))
  if (encoders.test(architecture) || metadata.get(`${architecture}.attention.causal`) === false) return true
  const isPooled = Number(metadata.get(`${architecture}.pooling_type`) ?? 0) > 0
  return isPooled && (!metadata.has('tokenizer.chat_template') || /embed/i.test(String(metadata.get('general.name'))))
}
