import { Coins, Download } from 'lucide-react'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { Chart } from '../../parts/chart.tsx'
import { Field, Select } from '../../parts/field.tsx'
import { useFilters } from '../../parts/filters.ts'
import { number } from '../../parts/format.ts'
import { Card, Page, Section, Stat } from '../../parts/page.tsx'
import { Empty, Failed, Waiting } from '../../parts/states.tsx'
import { approximate, plain, tokens } from '../shared/amounts.ts'
import { ChainBanner } from '../shared/chain-banner.tsx'
import { bucketsOf, csvOf } from './buckets.ts'
import { Payers } from './payers.tsx'

const ranges = [7, 30, 90, 365] as const
const dayMs = 86_400_000
const chartDigits = 6

export function Screen() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const days = ranges.find(range => String(range) === filters.days) ?? 30
  const by = filters.by === 'week' ? 'week' : 'day'
  // Whole days, so that the same question is asked until midnight.
  const to = Math.ceil(Date.now() / dayMs) * dayMs
  const from = to - days * dayMs
  const selling = useApi('GET /selling')
  const byDay = useApi('GET /selling/earnings', { query: { groupBy: 'day', from, to } }, { keepsPrevious: true })
  const byPayer = useApi('GET /selling/earnings', { query: { groupBy: 'payer', from, to } }, { keepsPrevious: true })
  const token = selling.data?.token ?? null
  const buckets = useMemo(
    () => (byDay.data === undefined ? [] : bucketsOf(byDay.data.data, { from, to, by })),
    [byDay.data, from, to, by],
  )
  const error = selling.error ?? byDay.error ?? byPayer.error
  const isHere = selling.data !== undefined && byDay.data !== undefined && byPayer.data !== undefined
  const isNothing = isHere && byDay.data.total.calls === 0 && BigInt(byDay.data.total.earned) === 0n
  const save = () => download(csvOf(buckets, amount => plain(amount, token?.decimals ?? 0)))
  return (
    <Page
      title={t('money.earnings.title')}
      about={t('money.earnings.about')}
      actions={
        <Button disabled={isNothing || !isHere} onClick={save}>
          <Download aria-hidden />
          {t('money.earnings.csv')}
        </Button>
      }
    >
      {!isHere && (error ? <Failed error={error} onRetry={() => void byDay.refetch()} /> : <Waiting rows={8} />)}
      {isHere && (
        <>
          <ChainBanner chain={selling.data.chain} />
          <div className="flex flex-wrap gap-3">
            <Field label={t('money.earnings.range')}>
              <Select value={days} onChange={event => change({ days: event.target.value })}>
                {ranges.map(range => (
                  <option key={range} value={range}>
                    {t('money.earnings.days', { count: range })}
                  </option>
                ))}
              </Select>
            </Field>
            <Field label={t('money.earnings.by')}>
              <Select value={by} onChange={event => change({ by: event.target.value })}>
                <option value="day">{t('money.earnings.day')}</option>
                <option value="week">{t('money.earnings.week')}</option>
              </Select>
            </Field>
          </div>
          <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
            <Stat label={t('money.earnings.earned')} value={tokens(byDay.data.total.earned, token)} />
            <Stat label={t('money.earnings.calls')} value={number(byDay.data.total.calls)} />
            <Stat label={t('money.earnings.unclaimed')} value={tokens(selling.data.totals.owed, token)} />
            <Stat label={t('money.earnings.claimed')} value={tokens(selling.data.totals.claimed, token)} />
          </div>
          {isNothing ? (
            <Empty icon={Coins} title={t('money.earnings.empty')}>
              {t('money.earnings.emptyAbout')}
            </Empty>
          ) : (
            <>
              <Card>
                <Over buckets={buckets} decimals={token?.decimals ?? 0} />
              </Card>
              <Section title={t('money.earnings.byPayer')}>
                <Payers rows={byPayer.data.data} total={byPayer.data.total.earned} token={token} />
              </Section>
            </>
          )}
        </>
      )}
    </Page>
  )
}

function Over({ buckets, decimals }: { buckets: ReturnType<typeof bucketsOf>; decimals: number }) {
  const { t } = useTranslation()
  const times = useMemo(() => buckets.map(({ start }) => start), [buckets])
  const series = useMemo(
    () => [
      {
        label: t('money.earnings.amount'),
        values: buckets.map(({ earned }) => approximate(earned, decimals)),
        shape: 'bars' as const,
      },
    ],
    [buckets, decimals, t],
  )
  return <Chart label={t('money.earnings.chart')} times={times} series={series} format={shown} />
}

const shown = (value: number) => number(value, chartDigits)

function download(text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  link.download = 'earnings.csv'
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000)
}
