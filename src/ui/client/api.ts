import { keepPreviousData, type UseQueryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ApiError } from '../../openai/stream-client.ts'
import type { ApiRoutes } from './generated/api.ts'
import { token, tokenAfter } from './session.ts'

export { ApiError } from '../../openai/stream-client.ts'
export type * from './generated/api.ts'

export type RouteName = keyof ApiRoutes
export type Answer<R extends RouteName> = ApiRoutes[R]['answer']

type Needed<T, K extends string> = keyof T extends never
  ? { [P in K]?: T }
  : Record<never, never> extends T
    ? { [P in K]?: T }
    : { [P in K]: T }
/** What a route has to be given. */
export type Asked<R extends RouteName> = Needed<ApiRoutes[R]['params'], 'params'> &
  Needed<ApiRoutes[R]['query'], 'query'> &
  (ApiRoutes[R]['body'] extends undefined ? { body?: undefined } : { body: ApiRoutes[R]['body'] })

interface Loose {
  params?: Readonly<Record<string, string>>
  query?: Readonly<Record<string, unknown>>
  body?: unknown
}

const answerMs = 60_000

/** Asks the management of this node. Throws `ApiError` with what was wrong and what to do. */
export async function api<R extends RouteName>(route: R, asked?: Asked<R>, signal?: AbortSignal): Promise<Answer<R>> {
  const response = await request(route, asked as Loose | undefined, signal)
  if (response.status === 204) return undefined as Answer<R>
  return (await response.json()) as Answer<R>
}

/** The response itself, for what is no JSON. */
export async function request(route: string, asked: Loose = {}, signal?: AbortSignal): Promise<Response> {
  const [method = 'GET', path = ''] = route.split(' ')
  const { params = {}, query = {}, body } = asked
  const bound = AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(answerMs)])
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const isForm = body instanceof FormData
  const init = (known: string | undefined): RequestInit => ({
    method,
    signal: bound,
    // What is sent is for this node alone.
    redirect: 'error',
    headers: {
      ...(known !== undefined && { authorization: `Bearer ${known}` }),
      ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
  })
  const url = `/api${filled}${searchOf(query)}`
  const known = await token()
  let response = await reach(url, init(known), signal)
  if (response.status === 401 && known !== undefined) {
    const next = await tokenAfter(known)
    if (next !== undefined) response = await reach(url, init(next), signal)
  }
  if (!response.ok) throw await errorOf(response)
  return response
}

async function reach(url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new ApiError('unreachable', 'the node cannot be reached; see whether it runs', { cause })
  }
}

function searchOf(query: Readonly<Record<string, unknown>>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== '') search.append(name, String(each))
    }
  }
  return search.size === 0 ? '' : `?${search}`
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => undefined)) as { error?: Record<string, unknown> } | undefined
  const { error = {} } = body ?? {}
  const message = typeof error.message === 'string' ? error.message : `the node answered ${response.status}`
  return new ApiError(typeof error.code === 'string' ? error.code : 'failed', message, {
    status: response.status,
    ...(typeof error.param === 'string' && { param: error.param }),
    details: error.details,
  })
}

type QueryWish<R extends RouteName> = Omit<UseQueryOptions<Answer<R>>, 'queryKey' | 'queryFn'> & {
  keepsPrevious?: boolean
}

/** What a route answers, kept fresh. */
export function useApi<R extends RouteName>(route: R, asked?: Asked<R>, wish: QueryWish<R> = {}) {
  const { keepsPrevious, ...options } = wish
  return useQuery<Answer<R>>({
    queryKey: [route, asked ?? {}],
    queryFn: ({ signal }) => api(route, asked, signal),
    ...(keepsPrevious && { placeholderData: keepPreviousData as never }),
    ...options,
  })
}

/**
 * Changes something. What was read from routes that begin with one of `stale` (like `/keys`) is read again; those of the same
 * first part when missing.
 */
export function useChange<R extends RouteName>(route: R, stale?: readonly string[]) {
  const queries = useQueryClient()
  const parts = stale ?? [`/${route.split('/')[1]}`]
  return useMutation<Answer<R>, unknown, Asked<R>>({
    mutationFn: asked => api(route, asked),
    onSettled: () =>
      queries.invalidateQueries({
        predicate: ({ queryKey: [name] }) => parts.some(part => String(name).split(' ')[1]?.startsWith(part)),
      }),
  })
}
