import { useMemo } from 'react'
import type { Request } from '../../client/api.ts'
import { type Range, rangeOf } from '../shared/range.ts'

export const paths = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/images/generations',
  '/v1/audio/transcriptions',
] as const

const names = ['provider', 'endpoint', 'model', 'keyId', 'project'] as const
const statuses = ['2xx', '4xx', '5xx', '429', '499'] as const
export const statusNames = statuses
export const groupNames = ['hour', 'day', 'week', 'month'] as const
export type GroupName = (typeof groupNames)[number]

export interface RequestQuery extends Range {
  readonly provider?: string
  readonly endpoint?: string
  readonly model?: string
  readonly keyId?: string
  readonly project?: string
  readonly status?: string
}

/** What stands in the address, as the API takes it; what it would not take is left out. */
export function queryOf(filters: Readonly<Record<string, string>>): RequestQuery {
  const named = Object.fromEntries(names.flatMap(name => (filters[name] ? [[name, filters[name]]] : [])))
  const status = statuses.find(known => known === filters.status)
  return { ...named, ...(status && { status }), ...rangeOf(filters) }
}

export function useRequestQuery(filters: Readonly<Record<string, string>>): RequestQuery {
  return useMemo(() => queryOf(filters), [filters])
}

export const filterNames = [...names, 'status', 'span', 'from', 'to'] as const

export function hasFilters(filters: Readonly<Record<string, string>>): boolean {
  return filterNames.some(name => filters[name] !== undefined)
}

export function toneOf({ status, errorCode }: Pick<Request, 'status' | 'errorCode'>) {
  if (errorCode === 'cancelled') return 'neutral'
  if (status >= 500) return 'bad'
  return status >= 400 || errorCode !== null ? 'warning' : 'good'
}
