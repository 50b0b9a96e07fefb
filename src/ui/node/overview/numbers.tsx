import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { compact, dollars, number, percent, units } from '../../parts/format.ts'
import { Stat } from '../../parts/page.tsx'
import { Failed, Skeleton } from '../../parts/states.tsx'
import { calmMs, useNow } from '../shared/pace.ts'

const hourMs = 3_600_000

/** Four numbers: how much, how fast, how well, how dear. */
export function Numbers() {
  const { t } = useTranslation()
  const now = useNow()
  const hour = useApi(
    'GET /requests/stats',
    { query: { from: now - hourMs } },
    { refetchInterval: calmMs, keepsPrevious: true },
  )
  if (hour.data === undefined) {
    if (hour.error) return <Failed error={hour.error} onRetry={() => void hour.refetch()} />
    return (
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        {['a', 'b', 'c', 'd'].map(key => (
          <Skeleton key={key} className="h-28 rounded-lg" />
        ))}
      </div>
    )
  }
  const { requests, failures, tokensInput, tokensOutput } = hour.data.total
  const tokens = tokensInput + tokensOutput
  return (
    <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Stat
        label={t('node.overview.perMinute')}
        value={rate(requests / 60)}
        about={t('node.overview.perMinuteAbout', { count: requests })}
      />
      <Stat
        label={t('node.overview.tokens')}
        value={rate(tokens / 3_600)}
        about={t('node.overview.tokensAbout', { count: compact(tokens) as never })}
      />
      <Stat
        label={t('node.overview.errors')}
        value={
          <span className={failures > 0 ? 'text-destructive' : undefined}>
            {percent(failures / Math.max(1, requests))}
          </span>
        }
        about={failures === 0 ? t('node.overview.errorsNone') : t('node.overview.errorsAbout', { count: failures })}
      />
      <Money now={now} />
    </div>
  )
}

/** Small ones with their digits: 0.02 is not 0. */
function rate(value: number): string {
  return number(value, value < 1 ? 2 : value < 10 ? 1 : 0)
}

/** What was spent since midnight here, or earned where this node sells. */
function Money({ now }: { now: number }) {
  const { t } = useTranslation()
  const from = new Date(now).setHours(0, 0, 0, 0)
  const { data: today } = useApi(
    'GET /requests/stats',
    { query: { from } },
    { refetchInterval: calmMs, keepsPrevious: true },
  )
  const { data: status } = useApi('GET /status', {}, { refetchInterval: calmMs })
  const isSelling = status?.summary.selling === true
  const { data: earned } = useApi(
    'GET /selling/earnings',
    { query: { from, groupBy: 'hour' } },
    { refetchInterval: calmMs, enabled: isSelling },
  )
  const { data: wallet } = useApi('GET /wallet', {}, { refetchInterval: calmMs })
  const spent = dollars(today?.total.cost ?? '0')
  const token = wallet?.token ?? null
  if (isSelling && earned && token !== null) {
    return (
      <Stat
        label={t('node.overview.earned')}
        value={units(earned.total.earned, token.decimals, token.symbol)}
        about={t('node.overview.earnedAbout', { amount: spent })}
      />
    )
  }
  const toPeers =
    wallet?.caps && token !== null ? units(wallet.caps.spentToday, token.decimals, token.symbol) : undefined
  return (
    <Stat
      label={t('node.overview.spend')}
      value={spent}
      about={
        toPeers === undefined ? t('node.overview.spendServices') : t('node.overview.spendAbout', { amount: toPeers })
      }
    />
  )
}
