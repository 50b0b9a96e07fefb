import { type Context, ParleyError } from '../core/index.ts'
import type { Exchange } from './exchange.ts'

/** What a schema of the wire model says about a body. */
interface Schema<T> {
  safeParse: (body: unknown) => { success: true; data: T } | { success: false; error: { issues: readonly Issue[] } }
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** A body that has the shape of its schema. Throws `invalid_request` naming the first field that has not. */
export function checked<T>(schema: Schema<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  if (path === '') throw new ParleyError('invalid_request', `the body does not fit: ${issue?.message}`)
  const isMissing = issue?.message.endsWith('received undefined')
  const message = isMissing ? `${path} is missing; send it` : `${path}: ${issue?.message}`
  throw new ParleyError('invalid_request', message, { param: path })
}

/** What a caller would pay at most is between it and this node. */
const passedHeaders = /^(?:parley-(?!max-price$)[a-z-]{1,32}|traceparent)$/

/** The context of a call that came over HTTP. */
export function contextOf({ id, signal, principal, request, maxPrice }: Exchange): Context {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string' && passedHeaders.test(name)) headers[name] = value
  }
  return { id, signal, principal, headers, ...(maxPrice !== undefined && { maxPrice }) }
}
