import { createHash } from 'node:crypto'
import type { Call, Context } from '../core/index.ts'

/** Headers that differ from call to call and change nothing about its answer. */
const passing: ReadonlySet<string> = new Set(['traceparent', 'parley-request'])

/**
 * The same for two calls exactly when they come from the same caller under the same terms and ask the same `body`. What
 * is long is hashed, so that a key is no second copy of a prompt.
 */
export function callKey(call: Call, { principal, headers, maxPrice, wishes }: Context, body: unknown): string {
  return digestOf([principal.kind, principal.id, lastingHeaders(headers), maxPrice, wishes, call.task, body])
}

/** What a call asks for. How its answer is shown changes nothing about it. */
export function contentOf({ body }: Call): Readonly<Record<string, unknown>> {
  const { stream: _stream, stream_options, ...content } = body as Readonly<Record<string, unknown>>
  const { include_usage: _usage, ...options } = (stream_options ?? {}) as Readonly<Record<string, unknown>>
  return { ...content, stream_options: options }
}

export function lastingHeaders(headers: Context['headers']): [name: string, value: string][] {
  return Object.entries(headers)
    .filter(([name]) => !passing.has(name))
    .toSorted(byField)
}

/** SHA-256, the same for values that say the same. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(ordered(value)))
    .digest('base64')
}

/**
 * Amounts have no JSON of their own; the fields of an object have no order that means anything. Lists of plain values stay
 * as they are: there may be a million tokens in one.
 */
function ordered(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.some(isNested) ? value.map(ordered) : value
  const fields = Object.entries(value).toSorted(byField)
  return Object.fromEntries(fields.map(([name, held]) => [name, ordered(held)]))
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' || typeof value === 'bigint'
}

function byField([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}
