import { createHash } from 'node:crypto'
import type { Call, Context } from '../core/index.ts'

/** Headers that differ from call to call and change nothing about its answer. */
const passing: ReadonlySet<string> = new Set(['traceparent', 'parley-request'])

/**
 * The same for two calls exactly when they come from the same caller under the same terms and ask the same `body`. What
 * is long is hashed, so that a key is no second copy of a prompt.
 */
export function callKey(call: Call, { principal, headers, maxPrice, wishes }: Context, body: unknown): string {
  const lasting = Object.entries(headers).filter(([name]) => !passing.has(name))
  const asked = [principal.kind, principal.id, lasting.toSorted(byName), maxPrice, wishes, call.task, body]
  return createHash('sha256').update(JSON.stringify(asked, written)).digest('base64')
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1
}

/** Amounts have no JSON of their own; the fields of an object have no order that means anything. */
function written(_field: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(byField))
}

function byField([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}
