import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'

interface Listed<Row> {
  readonly data: readonly Row[]
  readonly total: number
  readonly hasMore?: true
  readonly page: number
  readonly limit: number
}

interface PageOf {
  readonly page: number
  readonly limit: number
  /** Before which the rows of later pages are: what is written meanwhile does not move them. */
  readonly to?: number
}

interface TailOptions<Row> {
  readonly name: string
  readonly filters: Readonly<Record<string, string | number | undefined>>
  readonly list: (page: PageOf, signal: AbortSignal) => Promise<Listed<Row>>
  readonly isLive: boolean
  readonly everyMs: number
}

const pageRows = 100

interface Dated {
  readonly id: string
  readonly timestamp: string
}

/** Rows by time, newest first: older ones page by page, and what comes meanwhile in front of them. */
export function useTail<Row extends Dated>({ name, filters, list, isLive, everyMs }: TailOptions<Row>) {
  const queries = useQueryClient()
  const key = [name, filters]
  const pages = useInfiniteQuery({
    queryKey: [...key, 'pages'],
    queryFn: ({ pageParam, signal }) => list({ ...pageParam, limit: pageRows }, signal),
    initialPageParam: { page: 1 } as Omit<PageOf, 'limit'>,
    getNextPageParam: (last, all) => {
      if (last.page * last.limit >= last.total && last.hasMore === undefined) return undefined
      const newest = all[0]?.data[0]
      return { page: last.page + 1, ...(newest && { to: new Date(newest.timestamp).getTime() + 1 }) }
    },
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: 'always',
    refetchOnWindowFocus: false,
  })
  const newest = useQuery({
    queryKey: [...key, 'newest'],
    queryFn: async ({ signal }) => {
      const found = await list({ page: 1, limit: pageRows }, signal)
      if (isGap(found.data, pages.data?.pages[0]?.data)) void queries.resetQueries({ queryKey: [...key, 'pages'] })
      return found
    },
    enabled: isLive && pages.isSuccess,
    refetchInterval: everyMs,
  })
  const rows = useMemo(
    () => merged([...(newest.data?.data ?? []), ...(pages.data?.pages.flatMap(({ data }) => data) ?? [])]),
    [newest.data, pages.data],
  )
  return {
    rows,
    total: newest.data?.total ?? pages.data?.pages[0]?.total ?? 0,
    isMoreThanTotal: (newest.data ?? pages.data?.pages[0])?.hasMore === true,
    isPending: pages.isPending,
    isStale: pages.isPlaceholderData,
    error: pages.error ?? newest.error,
    more: () => {
      if (pages.hasNextPage && !pages.isFetchingNextPage) void pages.fetchNextPage()
    },
    isReadingMore: pages.isFetchingNextPage,
    again: () => void queries.resetQueries({ queryKey: key }),
    /** Looks for newer rows now. */
    look: () => void queries.invalidateQueries({ queryKey: [...key, 'newest'] }),
  }
}

/** So much came that the newest page does not reach what is known. */
function isGap<Row extends Dated>(found: readonly Row[], known: readonly Row[] | undefined): boolean {
  if (known === undefined || known.length === 0 || found.length < pageRows) return false
  const last = found.at(-1)!
  return last.timestamp > known[0]!.timestamp
}

function merged<Row extends Dated>(rows: readonly Row[]): Row[] {
  const byId = new Map<string, Row>()
  for (const row of rows) if (!byId.has(row.id)) byId.set(row.id, row)
  return [...byId.values()].sort((a, b) => (a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : 0))
}
