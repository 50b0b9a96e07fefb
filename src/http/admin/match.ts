import { ParleyError } from '../../core/index.ts'
import type { AdminRoute } from './route.ts'

export interface Matched {
  readonly route: AdminRoute
  readonly params: Readonly<Record<string, string>>
}

export type Matcher = (method: string, path: string) => Matched

interface Known {
  readonly route: AdminRoute
  readonly parts: readonly string[]
}

/**
 * Finds the route of a path below `/api`. A word wins over an id in the same place; a slash at the end says nothing. Throws
 * `not_found`, or `method_not_allowed` with what the path takes.
 */
export function createMatcher(routes: readonly AdminRoute[]): Matcher {
  const known = routes
    .map((route): Known => ({ route, parts: partsOf(route.path) }))
    .sort((one, other) => idsIn(one.parts) - idsIn(other.parts))
  return (method, path) => {
    const given = partsOf(path).map(decoded)
    const fitting = known.filter(({ parts }) => fits(parts, given))
    const first = fitting[0]
    if (first === undefined) throw new ParleyError('not_found', `there is no route ${method} /api${path}`)
    const ids = idsIn(first.parts)
    const same = fitting.filter(({ parts }) => idsIn(parts) === ids)
    const asked = method === 'HEAD' ? 'GET' : method
    const found = same.find(({ route }) => route.method === asked)
    if (found !== undefined) return { route: found.route, params: paramsOf(found.parts, given) }
    const allow = same.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]))
    const message = `/api${path} takes ${allow.join(', ')}, not ${method}`
    throw new ParleyError('method_not_allowed', message, { details: { allow } })
  }
}

function partsOf(path: string): string[] {
  return path.replace(/\/$/, '').split('/').slice(1)
}

function idsIn(parts: readonly string[]): number {
  return parts.filter(part => part.startsWith(':')).length
}

function fits(parts: readonly string[], given: readonly string[]): boolean {
  return (
    parts.length === given.length &&
    parts.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
  )
}

function paramsOf(parts: readonly string[], given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    parts.flatMap((part, at) => (part.startsWith(':') ? [[part.slice(1), given[at] ?? ''] as const] : [])),
  )
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw new ParleyError('invalid_request', 'the path holds a % that begins no escape; write %25', { cause })
  }
}
