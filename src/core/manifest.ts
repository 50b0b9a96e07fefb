import { createHash } from 'node:crypto'
import type { Hex } from './money.ts'

/** What makes a model this model and no other. Its hash is the model id: content-addressed, so no name can be squatted. */
export interface ModelManifest {
  /** SHA-256 of each weight file, hex, in order. Upstream models have none and name their source instead. */
  readonly weights: readonly string[]
  readonly quantization: string
  /** SHA-256 of the tokenizer and of the chat template, hex; empty when unknown. */
  readonly tokenizer: string
  readonly chatTemplate: string
  readonly contextTokens: number
  readonly modality: 'text' | 'embedding'
  /** For models without weights here: origin and name, `https://api.example/v1#name`. */
  readonly source?: string
}

/** SHA-256 over the manifest's canonical JSON (keys sorted, no white space). */
export function modelId(manifest: ModelManifest): Hex {
  return `0x${createHash('sha256').update(canonicalJson(manifest)).digest('hex')}`
}

/** JSON with sorted keys and no white space; `undefined` fields are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`)
  return `{${fields.join(',')}}`
}
