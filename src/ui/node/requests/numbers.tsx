import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, useApi } from '../../client/api.ts'
import { Chart } from '../../parts/chart.tsx'
import { compact, dollars, duration, number, percent } from '../../parts/format.ts'
import { Card, Section, Stat } from '../../parts/page.tsx'
import { Failed, Waiting } from '../../parts/states.tsx'
import { ChoiceFilter } from '../shared/filter-fields.tsx'
import { calmMs } from '../shared/pace.ts'
import { type GroupName, groupNames, type RequestQuery } from './query.ts'
import { RequestShares } from './shares.tsx'

interface Props {
  query: RequestQuery
  filters: Readonly<Record<string, string>>
  onChange: (change: Record<string, string | undefined>) => void
}

const dayMs = 86_400_000
const monthMs = 30 * dayMs
/** As many columns as can be told apart. */
const bucketsMax = 400
const lengths: Readonly<Record<GroupName, number>> = { hour: dayMs / 24, day: dayMs, week: 7 * dayMs, month: monthMs }

/** The whole of what fits: how many, how fast, at what cost, and whose fault. */
export function RequestNumbers({ query, filters, onChange }: Props) {
  const { t } = useTranslation()
  const { status: _, ...asked } = query
  const from = asked.from ?? Math.floor(((asked.to ?? Date.now()) - monthMs) / dayMs) * dayMs
  const wanted = groupNames.find(name => name === filters.group)
  const groupBy = fitting(
    wanted ?? ((asked.to ?? Date.now()) - from > 3 * dayMs ? 'day' : 'hour'),
    (asked.to ?? Date.now()) - from,
  )
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const stats = useApi(
    'GET /requests/stats',
    { query: { ...asked, from, groupBy, timeZone } },
    { refetchInterval: calmMs, keepsPrevious: true },
  )
  if (stats.data === undefined)
    return stats.error ? <Failed error={stats.error} onRetry={() => void stats.refetch()} /> : <Waiting rows={8} />
  return (
    <div className="grid gap-5">
      <Totals total={stats.data.total} />
      <Section
        title={t('node.requests.over')}
        actions={
          <ChoiceFilter
            label={t('node.requests.group')}
            any={t(`node.requests.groups.${groupBy}`)}
            value={filters.group}
            onChange={group => onChange({ group })}
            options={groupNames.map(name => [name, t(`node.requests.groups.${name}`)])}
          />
        }
      >
        <OverTime buckets={stats.data.buckets} />
      </Section>
      <RequestShares query={{ ...asked, from }} filters={filters} onChange={onChange} />
    </div>
  )
}

/** The wanted group, or the next longer one that gives no more columns than can be told apart. */
function fitting(wanted: GroupName, lengthMs: number): GroupName {
  return groupNames.slice(groupNames.indexOf(wanted)).find(name => lengthMs / lengths[name] <= bucketsMax) ?? 'month'
}

function Totals({ total }: { total: Answer<'GET /requests/stats'>['total'] }) {
  const { t } = useTranslation()
  const { requests, failures, tokensInput, tokensOutput, cost, cached, p50Ms, p95Ms, maxMs } = total
  const ms = (value: number | null) => (value === null ? '–' : duration(value))
  return (
    <div className="grid grid-cols-2 gap-3 lg:grid-cols-5">
      <Stat label={t('node.requests.total')} value={number(requests)} />
      <Stat
        label={t('node.requests.failures')}
        value={requests === 0 ? '–' : percent(failures / requests)}
        about={t('node.requests.failuresAbout', { count: failures })}
      />
      <Stat
        label={t('node.requests.p50')}
        value={ms(p50Ms)}
        about={t('node.requests.p95', { p95: ms(p95Ms), max: ms(maxMs) })}
      />
      <Stat
        label={t('node.requests.tokens')}
        value={compact(tokensInput + tokensOutput)}
        about={t('node.requests.tokensAbout', { input: compact(tokensInput), output: compact(tokensOutput) })}
      />
      <Stat
        label={t('node.requests.cost')}
        value={dollars(cost)}
        about={t('node.requests.costAbout', { cached: number(cached) })}
      />
    </div>
  )
}

function OverTime({ buckets }: { buckets: Answer<'GET /requests/stats'>['buckets'] }) {
  const { t } = useTranslation()
  const times = useMemo(() => buckets.map(({ from }) => Date.parse(from)), [buckets])
  const series = useMemo(
    () => [
      {
        label: t('node.requests.answeredCount'),
        values: buckets.map(({ requests, failures }) => requests - failures),
        shape: 'bars' as const,
      },
      {
        label: t('node.requests.failures'),
        values: buckets.map(({ failures }) => failures),
        shape: 'bars' as const,
        colour: '--destructive' as const,
      },
    ],
    [buckets, t],
  )
  const tokens = useMemo(
    () => [
      {
        label: t('node.requests.tokens'),
        values: buckets.map(({ tokensInput, tokensOutput }) => tokensInput + tokensOutput),
        shape: 'bars' as const,
      },
    ],
    [buckets, t],
  )
  return (
    <div className="grid gap-3 lg:grid-cols-2">
      <Card className="grid gap-2">
        <h3 className="text-[0.8125rem] text-muted-foreground">{t('node.requests.total')}</h3>
        <Chart label={t('node.requests.over')} times={times} series={series} format={compact} isWhole isStacked />
      </Card>
      <Card className="grid gap-2">
        <h3 className="text-[0.8125rem] text-muted-foreground">{t('node.requests.tokens')}</h3>
        <Chart label={t('node.requests.overTokens')} times={times} series={tokens} format={compact} isWhole />
      </Card>
    </div>
  )
}
