import { Link, useNavigate } from '@tanstack/react-router'
import { Activity } from 'lucide-react'
import { useCallback, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Request } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { clock, compact, dateTime, duration, number } from '../../parts/format.ts'
import { Empty, Failed, Waiting } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { useEvents } from '../shared/events.ts'
import { quickMs } from '../shared/pace.ts'
import { shortName } from '../shared/short-name.ts'
import { useTail } from '../shared/tail.ts'
import { usePriceOf } from './price.ts'
import { type RequestQuery, toneOf } from './query.ts'

interface Props {
  query: RequestQuery
  isLive: boolean
  isNarrowed: boolean
  onClear: () => void
}

/** Rows are written a moment after the call has ended. */
const writtenMs = 1_200

export function RequestList({ query, isLive, isNarrowed, onClear }: Props) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const mayView = useMay('viewer')
  const tail = useTail<Request>({
    name: 'requests',
    filters: { ...query },
    list: useCallback((page, signal) => api('GET /requests', { query: { ...query, ...page } }, signal), [query]),
    isLive: isLive && query.to === undefined,
    everyMs: quickMs,
  })
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEvents(
    ['call.ended', 'call.failed'],
    () => {
      timer.current ??= setTimeout(() => {
        timer.current = undefined
        tail.look()
      }, writtenMs)
    },
    isLive && mayView,
  )
  const columns = useColumns()
  if (tail.isPending) return <Waiting rows={8} />
  if (tail.rows.length === 0 && tail.error) return <Failed error={tail.error} onRetry={tail.again} />
  if (tail.rows.length === 0) return isNarrowed ? <NothingFits onClear={onClear} /> : <Nothing />
  return (
    <div className="grid gap-2">
      {tail.error && <Failed error={tail.error} onRetry={tail.again} />}
      <Table
        label={t('node.requests.title')}
        columns={columns}
        rows={tail.rows}
        keyOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: '/node/requests/$id' as '/', params: { id } as never })}
        height="max(22rem, calc(100dvh - 21.5rem))"
        onEnd={tail.more}
        className={tail.isStale ? 'opacity-60' : undefined}
      />
      <p className="tabular text-right text-xs text-muted-foreground">
        {t('node.shownOf', {
          shown: number(tail.rows.length),
          total: `${number(tail.total)}${tail.isMoreThanTotal ? '+' : ''}`,
        })}
      </p>
    </div>
  )
}

function useColumns(): readonly Column<Request>[] {
  const { t } = useTranslation()
  const priceOf = usePriceOf()
  return [
    {
      key: 'time',
      head: t('node.requests.time'),
      width: '5rem',
      phone: '4.25rem',
      cell: ({ timestamp }) => (
        <time dateTime={timestamp} title={dateTime(timestamp)} className="tabular text-muted-foreground">
          {clock(timestamp)}
        </time>
      ),
    },
    {
      key: 'status',
      head: t('node.requests.status'),
      width: 'minmax(9.5rem, 1.2fr)',
      phone: '3rem',
      cell: row => (
        <span className="flex items-center gap-1.5">
          <Badge tone={toneOf(row)} className="tabular">
            {row.status}
          </Badge>
          <span className="truncate text-xs text-muted-foreground max-md:hidden">
            {row.errorCode ??
              (row.cache === 'hit' ? t('node.requests.cached') : row.partial ? t('node.requests.partial') : '')}
          </span>
        </span>
      ),
    },
    {
      key: 'model',
      head: t('node.requests.model'),
      width: 'minmax(8rem, 1.8fr)',
      phone: 'minmax(0, 1fr)',
      cell: ({ model, servedModel, endpoint }) => (
        <span title={servedModel !== null && servedModel !== model ? `${model} → ${servedModel}` : model}>
          {model === '' ? <span className="text-muted-foreground">{endpoint}</span> : model}
        </span>
      ),
    },
    {
      key: 'provider',
      head: t('node.requests.provider'),
      isSecondary: true,
      width: 'minmax(7rem, 1fr)',
      cell: ({ provider }) => (
        <span title={provider ?? undefined}>{provider === null ? '–' : shortName(provider)}</span>
      ),
    },
    {
      key: 'duration',
      head: t('node.requests.duration'),
      isNumber: true,
      width: '4.5rem',
      phone: '3.5rem',
      cell: ({ responseTime }) => duration(responseTime),
    },
    {
      key: 'first',
      head: t('node.requests.firstToken'),
      isNumber: true,
      isSecondary: true,
      width: '5.5rem',
      cell: ({ firstChunkMs }) => (firstChunkMs === null ? '–' : duration(firstChunkMs)),
    },
    {
      key: 'tokens',
      head: t('node.requests.tokens'),
      isNumber: true,
      isSecondary: true,
      width: '5.5rem',
      cell: ({ tokensInput, tokensOutput }) =>
        tokensInput + tokensOutput === 0 ? '–' : `${compact(tokensInput)} → ${compact(tokensOutput)}`,
    },
    {
      key: 'cost',
      head: t('node.requests.cost'),
      isNumber: true,
      isSecondary: true,
      width: '7.5rem',
      cell: priceOf,
    },
  ]
}

function Nothing() {
  const { t } = useTranslation()
  return (
    <Empty
      icon={Activity}
      title={t('node.requests.none')}
      action={
        <Button asChild look="primary">
          <Link to={'/node' as '/'} hash="connect">
            {t('node.requests.connect')}
          </Link>
        </Button>
      }
    >
      {t('node.requests.noneAbout')}
    </Empty>
  )
}

function NothingFits({ onClear }: { onClear: () => void }) {
  const { t } = useTranslation()
  return (
    <Empty
      icon={Activity}
      title={t('node.requests.nothingFits')}
      action={<Button onClick={onClear}>{t('node.clearFilters')}</Button>}
    />
  )
}
