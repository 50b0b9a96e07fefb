import { useQueries } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { api, useApi } from '../../client/api.ts'
import { Chart } from '../../parts/chart.tsx'
import { useFilters } from '../../parts/filters.ts'
import { number } from '../../parts/format.ts'
import { Card } from '../../parts/page.tsx'
import { Failed, Skeleton } from '../../parts/states.tsx'
import { calmMs, useNow } from '../shared/pace.ts'

const hourMs = 3_600_000
const stepMs = 300_000
const steps = 12
const chartPx = 200

interface Bucket {
  readonly at: number
  readonly requests: number
  readonly failures: number
}

/** How much was asked, and how much of it failed. */
export function Traffic() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const isDay = filters.span === '24h'
  const spans = [
    ['', t('node.overview.lastHour')],
    ['24h', t('node.overview.lastDay')],
  ] as const
  return (
    <Card className="grid gap-3">
      <div className="flex items-center justify-between gap-2">
        <h2 className="text-base font-semibold">{t('node.overview.traffic')}</h2>
        <fieldset className="flex rounded-md border p-0.5">
          <legend className="sr-only">{t('node.overview.trafficSpan')}</legend>
          {spans.map(([span, name]) => (
            <button
              key={span}
              type="button"
              aria-pressed={isDay === (span === '24h')}
              onClick={() => change({ span: span || undefined })}
              className="rounded px-2.5 py-1 text-[0.8125rem] text-muted-foreground aria-pressed:bg-secondary aria-pressed:font-medium aria-pressed:text-foreground max-md:py-2.5"
            >
              {name}
            </button>
          ))}
        </fieldset>
      </div>
      {isDay ? <Day /> : <Hour />}
    </Card>
  )
}

function Day() {
  const now = useNow()
  const from = Math.floor(now / hourMs) * hourMs - 23 * hourMs
  const { data, error, refetch } = useApi(
    'GET /requests/stats',
    { query: { from, groupBy: 'hour' } },
    { refetchInterval: calmMs, keepsPrevious: true },
  )
  const buckets = useMemo(() => data?.buckets.map(each => ({ ...each, at: Date.parse(each.from) })), [data])
  return <Buckets buckets={buckets} error={error} onRetry={() => void refetch()} />
}

/** Sums of five minutes each; those that are over are asked once. */
function Hour() {
  const now = useNow(stepMs)
  const results = useQueries({
    queries: Array.from({ length: steps }, (_, index) => {
      const from = now - (steps - 1 - index) * stepMs
      const isOver = index < steps - 2
      return {
        queryKey: ['GET /requests/stats', 'step', from],
        queryFn: ({ signal }: { signal: AbortSignal }) =>
          api('GET /requests/stats', { query: { from, to: from + stepMs } }, signal).then(({ total }) => ({
            at: from,
            total,
          })),
        staleTime: isOver ? Number.POSITIVE_INFINITY : calmMs,
        refetchInterval: isOver ? (false as const) : calmMs,
      }
    }),
    combine: found => ({
      parts: found.flatMap(({ data }) => data ?? []),
      error: found.find(({ error }) => error)?.error ?? null,
      again: () => void Promise.all(found.map(({ refetch }) => refetch())),
    }),
  })
  const buckets = useMemo(
    () => (results.parts.length < steps ? undefined : results.parts.map(({ at, total }) => ({ at, ...total }))),
    [results.parts],
  )
  return <Buckets buckets={buckets} error={results.error} onRetry={results.again} />
}

function Buckets({
  buckets,
  error,
  onRetry,
}: {
  buckets: readonly Bucket[] | undefined
  error: unknown
  onRetry: () => void
}) {
  const { t } = useTranslation()
  const times = useMemo(() => buckets?.map(({ at }) => at) ?? [], [buckets])
  const series = useMemo(
    () => seriesOf(buckets ?? [], t('node.overview.answered'), t('node.overview.failed')),
    [buckets, t],
  )
  if (buckets === undefined) {
    return error ? <Failed error={error} onRetry={onRetry} /> : <Skeleton className="h-[232px]" />
  }
  if (buckets.every(({ requests }) => requests === 0)) {
    return (
      <p className="grid place-items-center text-muted-foreground" style={{ height: chartPx }}>
        {t('node.overview.quiet')}
      </p>
    )
  }
  const total = buckets.reduce((sum, { requests }) => sum + requests, 0)
  return (
    <Chart
      label={`${t('node.overview.traffic')}: ${number(total)}`}
      times={times}
      series={series}
      format={whole}
      height={chartPx}
      isWhole
      isStacked
    />
  )
}

const whole = (value: number) => number(value)

function seriesOf(buckets: readonly Bucket[], all: string, failed: string) {
  return [
    { label: all, values: buckets.map(({ requests, failures }) => requests - failures), shape: 'bars' as const },
    {
      label: failed,
      values: buckets.map(({ failures }) => failures),
      shape: 'bars' as const,
      colour: '--destructive' as const,
    },
  ]
}
