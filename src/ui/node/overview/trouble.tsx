import { Link } from '@tanstack/react-router'
import { CircleCheck, CircleDashed } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { type Status, useApi } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { duration } from '../../parts/format.ts'
import { Section } from '../../parts/page.tsx'
import { Banner } from '../../parts/states.tsx'
import { measure, useMeaning } from '../alerts/meaning.ts'
import { quickMs } from '../shared/pace.ts'
import { useReason } from '../shared/reason.tsx'

type Upstream = Status['upstreams'][number]

/** One line when all is well; otherwise each thing that is not. */
export function Trouble() {
  const { t } = useTranslation()
  const meaning = useMeaning()
  const { data: status } = useApi('GET /status', {}, { refetchInterval: quickMs })
  const { data: alerts } = useApi('GET /alerts/firing', {}, { refetchInterval: quickMs })
  if (status === undefined || alerts === undefined) return null
  const sick = status.upstreams.filter(({ state }) => state !== 'up')
  // A provider that is named with its cause is not named once more by the alert about it.
  const firing = alerts.data.filter(({ subject }) => !sick.some(({ name }) => name === subject))
  const count = sick.length + firing.length
  if (count === 0) return <Fine status={status} />
  return (
    <Section title={t('node.overview.trouble', { count })}>
      <div className="grid gap-2">
        {firing.map(alert => (
          <Banner
            key={alert.id}
            tone="bad"
            title={alert.subject === '' ? meaning(alert).name : `${meaning(alert).name}: ${alert.subject}`}
            action={
              <Button asChild size="sm">
                <Link to={'/node/alerts' as '/'}>{t('node.overview.toAlerts')}</Link>
              </Button>
            }
          >
            {t('node.alerts.limit', { value: measure(alert, alert.value), threshold: measure(alert, alert.threshold) })}
            . {meaning(alert).todo}
          </Banner>
        ))}
        {sick.map(upstream => (
          <SickProvider key={upstream.name} upstream={upstream} />
        ))}
      </div>
    </Section>
  )
}

function Fine({ status }: { status: Status }) {
  const { t } = useTranslation()
  const count = status.summary.models
  const uptime = duration(status.uptimeSeconds * 1_000)
  const Icon = count === 0 ? CircleDashed : CircleCheck
  return (
    <p className="flex flex-wrap items-center gap-x-2">
      <Icon aria-hidden className={count === 0 ? 'size-4 text-warning' : 'size-4 text-success'} />
      <span className="font-medium">{t(count === 0 ? 'node.overview.empty' : 'node.overview.fine')}</span>
      <span className="text-muted-foreground">
        {count === 0 ? t('node.overview.emptyAbout', { uptime }) : t('node.overview.fineAbout', { count, uptime })}
      </span>
    </p>
  )
}

function SickProvider({ upstream: { name, state, lastErrorCode, coolsDownUntil } }: { upstream: Upstream }) {
  const { t } = useTranslation()
  const reason = useReason()
  const left = coolsDownUntil === undefined ? 0 : Date.parse(coolsDownUntil) - Date.now()
  return (
    <Banner
      tone={state === 'down' ? 'bad' : 'warning'}
      title={
        state === 'down' ? t('node.overview.providerDown', { name }) : t('node.overview.providerResting', { name })
      }
      action={
        <Button asChild size="sm">
          <Link to={'/node/providers' as '/'} hash={name}>
            {t('node.overview.toProviders')}
          </Link>
        </Button>
      }
    >
      {lastErrorCode !== undefined && `${reason(lastErrorCode).why} ${reason(lastErrorCode).fix} `}
      {left > 0 && t('node.overview.restsUntil', { time: duration(left) })}
    </Banner>
  )
}
