import { BellOff, History } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Alert, useApi } from '../../client/api.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { useFilters } from '../../parts/filters.ts'
import { dateTime, duration, shortDateTime } from '../../parts/format.ts'
import { Page, Section } from '../../parts/page.tsx'
import { Empty, Failed, Waiting } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ChoiceFilter } from '../shared/filter-fields.tsx'
import { calmMs, quickMs } from '../shared/pace.ts'
import { StoreBanner } from '../shared/store-banner.tsx'
import { FiringAlert } from './firing.tsx'
import { measure, metrics, useMeaning } from './meaning.ts'

/** What is wrong, and what was. */
export function Screen() {
  const { t } = useTranslation()
  return (
    <Page title={t('node.alerts.title')} about={t('node.alerts.about')}>
      <StoreBanner />
      <Section title={t('node.alerts.firing')}>
        <Firing />
      </Section>
      <Past />
    </Page>
  )
}

function Firing() {
  const { t } = useTranslation()
  const { data, error, refetch } = useApi('GET /alerts/firing', {}, { refetchInterval: quickMs })
  if (data === undefined) return error ? <Failed error={error} onRetry={() => void refetch()} /> : <Waiting rows={3} />
  if (data.data.length === 0) {
    return (
      <Empty icon={BellOff} title={t('node.alerts.firingNone')}>
        {t('node.alerts.firingNoneAbout')}
      </Empty>
    )
  }
  return (
    <ul className="grid gap-3">
      {data.data.map(alert => (
        <li key={alert.id}>
          <FiringAlert alert={alert} />
        </li>
      ))}
    </ul>
  )
}

const pageRows = 50
const rowsMax = 200

function Past() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const [limit, setLimit] = useState(pageRows)
  const rule = filters.rule || undefined
  const columns = useColumns()
  const { data, error, refetch } = useApi(
    'GET /alerts',
    { query: { ...(rule && { rule }), limit } },
    { refetchInterval: calmMs, keepsPrevious: true },
  )
  return (
    <Section
      title={t('node.alerts.history')}
      actions={
        <ChoiceFilter
          label={t('node.alerts.rule')}
          any={t('node.alerts.any')}
          value={rule}
          onChange={value => change({ rule: value })}
          options={metrics.map(name => [name, t(`node.alerts.meaning.${name}.name`)])}
        />
      }
    >
      {data === undefined ? (
        error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Waiting />
        )
      ) : data.data.length === 0 ? (
        <Empty icon={History} title={t('node.alerts.historyNone')} />
      ) : (
        <>
          <Table
            label={t('node.alerts.history')}
            rows={data.data}
            keyOf={({ id, state }) => `${id}${state}`}
            columns={columns}
          />
          {data.total > data.data.length && limit < rowsMax && (
            <Button className="justify-self-center" onClick={() => setLimit(limit + pageRows)}>
              {t('node.alerts.older')}
            </Button>
          )}
        </>
      )}
    </Section>
  )
}

function useColumns(): readonly Column<Alert>[] {
  const { t } = useTranslation()
  const meaning = useMeaning()
  return [
    {
      key: 'began',
      head: t('node.alerts.began'),
      width: '13rem',
      phone: '6.75rem',
      cell: ({ startedAt }) => (
        <time dateTime={startedAt} title={dateTime(startedAt)} className="tabular text-muted-foreground">
          <span className="max-md:hidden">{dateTime(startedAt)}</span>
          <span className="md:hidden">{shortDateTime(startedAt)}</span>
        </time>
      ),
    },
    {
      key: 'rule',
      head: t('node.alerts.rule'),
      width: 'minmax(9rem, 1.5fr)',
      phone: 'minmax(0, 1fr)',
      cell: alert => <span title={alert.message}>{meaning(alert).name}</span>,
    },
    {
      key: 'subject',
      head: t('node.alerts.subject'),
      isSecondary: true,
      cell: ({ subject }) => subject || <span className="text-muted-foreground">{t('node.alerts.everything')}</span>,
    },
    {
      key: 'value',
      head: t('node.alerts.value'),
      isNumber: true,
      isSecondary: true,
      width: '10rem',
      cell: alert => measure(alert, alert.value),
    },
    {
      key: 'lasted',
      head: t('node.alerts.lasted'),
      isNumber: true,
      width: '7rem',
      phone: '5.5rem',
      cell: ({ startedAt, endedAt }) =>
        endedAt === null ? (
          <Badge tone="bad">{t('node.alerts.goesOn')}</Badge>
        ) : (
          duration(Date.parse(endedAt) - Date.parse(startedAt))
        ),
    },
  ]
}
