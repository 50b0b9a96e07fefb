import { ParleyError } from '../../core/index.ts'
import type { Model } from '../../openai/index.ts'
import type { OpenAiClient } from '../openai-client.ts'
import type { Listing } from './service.ts'

type Entry = Readonly<Record<string, unknown>>

/** The objects of a list inside an answer; undefined when there is no such list. */
export function entriesIn(answer: unknown, field: string): Entry[] | undefined {
  const list = (answer as Entry | null)?.[field]
  if (!Array.isArray(list)) return undefined
  return list.filter((entry): entry is Entry => typeof entry === 'object' && entry !== null)
}

/** Unix seconds of a time written as text or number; 0 when unknown. */
export function secondsOf(time: unknown): number {
  if (typeof time === 'number') return Number.isSafeInteger(time) ? time : 0
  const ms = Date.parse(String(time))
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000)
}

/** A field of a model, left out unless the service gave a count. */
export function countOf<K extends 'context_length' | 'max_output_tokens'>(field: K, value: unknown): Partial<Model> {
  return Number.isSafeInteger(value) && (value as number) > 0 ? { [field]: value as number } : {}
}

export interface ListingOptions {
  readonly name: string
  readonly client: OpenAiClient
  readonly basePath: string
  /** Offered whether listed or not: services leave the short names out of their lists. */
  readonly models: readonly string[]
}

/** The configured models, with what the service says of them; all it lists when none are configured. */
export async function listModels(listing: Listing | undefined, options: ListingOptions): Promise<Model[]> {
  const { name, models: wanted } = options
  const plain = (id: string): Model => ({ id, object: 'model', created: 0, owned_by: name })
  if (listing === undefined) return wanted.map(plain)
  try {
    const listed = (await ask(listing, options)).map(model => ({ ...plain(model.id ?? ''), ...model }) as Model)
    if (wanted.length === 0) return listed.filter(({ id }) => id !== '')
    return wanted.map(id => listed.find(model => model.id === id) ?? plain(id))
  } catch (cause) {
    const { code } = ParleyError.from(cause)
    if (wanted.length === 0 || (code !== 'model_not_found' && code !== 'unsupported')) throw cause
    return wanted.map(plain)
  }
}

const listTimeoutMs = 8_000

async function ask(listing: Listing, { name, client, basePath }: ListingOptions): Promise<Partial<Model>[]> {
  const path = listing.path(basePath)
  const signal = AbortSignal.timeout(listTimeoutMs)
  const models = listing.read(await client.json('GET', path, undefined, signal))
  if (models === undefined) throw new ParleyError('backend_failed', `${name} lists its models in an unknown shape`)
  return models
}
