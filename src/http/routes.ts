import { ParleyError } from '../core/index.ts'
import type { Handler } from './exchange.ts'

/** `METHOD /path` → handler, `*` for whatever method there is; a path that ends in `/*` takes everything below it. HEAD is asked as GET is. */
export type Routes = Readonly<Record<string, Handler>>

/** Finds a handler. Throws `not_found`, or `method_not_allowed` with the methods the path takes. */
export function findRoute(routes: Routes, method: string, path: string): Handler {
  const asked = method === 'HEAD' ? 'GET' : method
  const exact = routes[`${asked} ${path}`]
  if (exact !== undefined) return exact
  const fitting = Object.entries(routes).flatMap(([route, handler]) => {
    const [verb = '', pattern = ''] = route.split(' ')
    return fits(pattern, path) ? [{ verb, handler }] : []
  })
  const found = fitting.find(({ verb }) => verb === asked || verb === '*')
  if (found !== undefined) return found.handler
  if (fitting.length === 0) throw new ParleyError('not_found', `there is no route ${method} ${path}`)
  const allow = [...new Set(fitting.flatMap(({ verb }) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb])))]
  throw new ParleyError('method_not_allowed', `${path} takes ${allow.join(', ')}, not ${method}`, {
    details: { allow },
  })
}

function fits(pattern: string, path: string): boolean {
  if (!pattern.endsWith('/*')) return pattern === path
  const prefix = pattern.slice(0, -1)
  return path.startsWith(prefix) && path.length > prefix.length
}
