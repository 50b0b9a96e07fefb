import { ParleyError } from '../core/index.ts'
import type { Handler } from './exchange.ts'

/** `METHOD /path` → handler; a path that ends in `/*` takes everything below it. */
export type Routes = Readonly<Record<string, Handler>>

/** Finds a handler. Throws `not_found` or `method_not_allowed`. */
export function findRoute(routes: Routes, method: string, path: string): Handler {
  const exact = routes[`${method} ${path}`]
  if (exact !== undefined) return exact
  for (const [route, handler] of Object.entries(routes)) {
    if (!route.endsWith('/*')) continue
    const prefix = route.slice(0, -1)
    if (`${method} ${path}`.startsWith(prefix) && path.length > prefix.length - method.length - 1) return handler
  }
  const others = Object.keys(routes).filter(route => route.endsWith(` ${path}`))
  if (others.length === 0) throw new ParleyError('not_found', `there is no route ${method} ${path}`)
  const methods = others.map(route => route.split(' ')[0]).join(', ')
  throw new ParleyError('method_not_allowed', `${path} takes ${methods}, not ${method}`)
}
