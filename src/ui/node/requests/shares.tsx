import { useTranslation } from 'react-i18next'
import { type Answer, useApi } from '../../client/api.ts'
import { compact, dollars, duration, number, percent } from '../../parts/format.ts'
import { Section } from '../../parts/page.tsx'
import { Failed, Waiting } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ChoiceFilter } from '../shared/filter-fields.tsx'
import { calmMs } from '../shared/pace.ts'
import type { RequestQuery } from './query.ts'

type Share = Answer<'GET /requests/shares'>['data'][number]
const shareNames = ['provider', 'model', 'endpoint', 'project', 'keyId'] as const

interface Props {
  query: Omit<RequestQuery, 'status'>
  filters: Readonly<Record<string, string>>
  onChange: (change: Record<string, string | undefined>) => void
}

/** Whose requests they were, or who answered: the same sums for each. */
export function RequestShares({ query, filters, onChange }: Props) {
  const { t } = useTranslation()
  const of = shareNames.find(name => name === filters.of) ?? 'provider'
  const { data, error, refetch } = useApi(
    'GET /requests/shares',
    { query: { ...query, of, limit: 50 } },
    { refetchInterval: calmMs, keepsPrevious: true },
  )
  const { data: keys } = useApi('GET /keys', { query: { limit: 200 } }, { enabled: of === 'keyId' })
  const nameOf = ({ name }: Share) =>
    keys?.data.find(({ id }) => id === name)?.name ?? name ?? t('node.requests.noName')
  const total = data?.data.reduce((sum, { requests }) => sum + requests, 0) ?? 0
  const columns = useShareColumns(t(`node.requests.sharesOf.${of}`), nameOf, total)
  return (
    <Section
      title={t('node.requests.shares')}
      actions={
        <ChoiceFilter
          label={t('node.requests.sharesBy')}
          any={t('node.requests.sharesOf.provider')}
          value={filters.of}
          onChange={name => onChange({ of: name })}
          options={shareNames.slice(1).map(name => [name, t(`node.requests.sharesOf.${name}`)])}
        />
      }
    >
      {data === undefined ? (
        error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Waiting />
        )
      ) : (
        <Table label={t('node.requests.shares')} rows={data.data} keyOf={row => row.name ?? ''} columns={columns} />
      )}
    </Section>
  )
}

function useShareColumns(head: string, nameOf: (share: Share) => string, total: number): readonly Column<Share>[] {
  const { t } = useTranslation()
  const ms = (value: number | null) => (value === null ? '–' : duration(value))
  return [
    { key: 'name', head, width: 'minmax(8rem, 2fr)', cell: row => <span title={nameOf(row)}>{nameOf(row)}</span> },
    {
      key: 'share',
      head: t('node.requests.share'),
      width: 'minmax(7rem, 1.5fr)',
      cell: ({ requests }) => <Bar share={total === 0 ? 0 : requests / total} />,
    },
    {
      key: 'requests',
      head: t('node.requests.total'),
      isNumber: true,
      width: '6rem',
      cell: ({ requests }) => number(requests),
    },
    {
      key: 'errors',
      head: t('node.requests.errorRate'),
      isNumber: true,
      width: '5rem',
      cell: ({ failures, requests }) => (
        <span className={failures > 0 ? 'text-destructive' : undefined}>
          {percent(failures / Math.max(1, requests))}
        </span>
      ),
    },
    {
      key: 'p50',
      head: t('node.requests.average'),
      isNumber: true,
      isSecondary: true,
      width: '5rem',
      cell: ({ p50Ms }) => ms(p50Ms),
    },
    {
      key: 'p95',
      head: t('node.requests.slow'),
      isNumber: true,
      isSecondary: true,
      width: '5rem',
      cell: ({ p95Ms }) => ms(p95Ms),
    },
    {
      key: 'tokens',
      head: t('node.requests.tokens'),
      isNumber: true,
      isSecondary: true,
      width: '6rem',
      cell: ({ tokensInput, tokensOutput }) => compact(tokensInput + tokensOutput),
    },
    {
      key: 'cost',
      head: t('node.requests.cost'),
      isNumber: true,
      isSecondary: true,
      width: '6rem',
      cell: ({ cost }) => dollars(cost),
    },
  ]
}

export function Bar({ share, tone = 'bg-primary' }: { share: number; tone?: string }) {
  return (
    <span className="flex items-center gap-2">
      <span aria-hidden className="h-1.5 flex-1 overflow-hidden rounded-full bg-muted">
        <span className={`block h-full ${tone}`} style={{ width: `${share * 100}%` }} />
      </span>
      <span className="tabular w-12 text-right text-xs text-muted-foreground">{percent(share, 0)}</span>
    </span>
  )
}
