import { rangeOf } from '../shared/range.ts'

export const levelNames = ['error', 'warn', 'info', 'debug'] as const
export type LevelName = (typeof levelNames)[number]
export const logFilterNames = ['level', 'component', 'search', 'requestId', 'span', 'from', 'to'] as const

export function logQueryOf(filters: Readonly<Record<string, string>>) {
  const { component, search, requestId } = filters
  const level = levelNames.find(name => name === filters.level)
  return {
    ...(level && { level }),
    ...(component && { component }),
    ...(search && { search }),
    ...(requestId && { requestId }),
    ...rangeOf(filters),
  }
}

export const levelTones = { error: 'bad', warn: 'warning', info: 'neutral', debug: 'neutral' } as const
