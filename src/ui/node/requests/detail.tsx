import { Link, useParams } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { type RequestDetail, useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { dateTime, duration } from '../../parts/format.ts'
import { Page, Section } from '../../parts/page.tsx'
import { Banner, Failed, Waiting } from '../../parts/states.tsx'
import { Table } from '../../parts/table.tsx'
import { Reason, useReason } from '../shared/reason.tsx'
import { RequestFacts } from './facts.tsx'
import { type Attempt, attemptsOf } from './phases.ts'
import { toneOf } from './query.ts'
import { Scrolled, Texts } from './texts.tsx'
import { Timeline } from './timeline.tsx'

/** One request: where its time went, whom it was asked, and why it failed. */
export function Screen() {
  const { t } = useTranslation()
  const { id = '' } = useParams({ strict: false }) as { id?: string }
  const { data, error, refetch } = useApi(
    'GET /requests/:id',
    { params: { id } },
    { staleTime: Number.POSITIVE_INFINITY },
  )
  return (
    <Page
      title={
        <span className="flex flex-wrap items-center gap-2">
          {data === undefined ? t('node.requests.detail') : data.model || data.endpoint}
          {data && (
            <Badge tone={toneOf(data)} className="tabular">
              {data.status}
            </Badge>
          )}
        </span>
      }
      about={data && dateTime(data.timestamp)}
      actions={
        <Button asChild>
          <Link to={'/node/requests' as '/'}>
            <ArrowLeft aria-hidden />
            {t('node.requests.backToList')}
          </Link>
        </Button>
      }
    >
      {data === undefined ? (
        error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Waiting rows={8} />
        )
      ) : (
        <Detail request={data} />
      )}
    </Page>
  )
}

function Detail({ request }: { request: RequestDetail }) {
  const { t } = useTranslation()
  const mayView = useMay('viewer')
  return (
    <>
      {request.errorCode !== null && (
        <Banner tone={request.status >= 500 ? 'bad' : 'warning'} title={t('node.requests.whatHappened')}>
          <Reason code={request.errorCode} />
        </Banner>
      )}
      <Section title={t('node.requests.timeline')}>
        <Timeline request={request} />
      </Section>
      <Section title={t('node.requests.attempts')}>
        <Attempts attempts={attemptsOf(request)} />
      </Section>
      <div className="grid gap-5 lg:grid-cols-2">
        <RequestFacts request={request} />
        <Parameters parameters={request.request} />
      </div>
      <Texts request={request} />
      {mayView && (
        <Link
          to={'/node/logs' as '/'}
          search={{ requestId: String(request.request.requestId ?? request.id) } as never}
          className="justify-self-start text-primary underline"
        >
          {t('node.requests.logs')}
        </Link>
      )}
    </>
  )
}

function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  const { t } = useTranslation()
  const reason = useReason()
  if (attempts.length === 0) return <p className="text-muted-foreground">{t('node.requests.attemptsNone')}</p>
  const rows = attempts.map((attempt, index) => ({ ...attempt, place: index + 1 }))
  return (
    <Table
      label={t('node.requests.attempts')}
      rows={rows}
      keyOf={({ place }) => String(place)}
      columns={[
        { key: 'place', head: '#', width: '2rem', isSecondary: true, cell: ({ place }) => place },
        {
          key: 'provider',
          head: t('node.requests.provider'),
          cell: ({ provider }) => <span title={provider}>{provider}</span>,
        },
        {
          key: 'model',
          head: t('node.requests.model'),
          isSecondary: true,
          cell: ({ model }) => <span title={model}>{model}</span>,
        },
        {
          key: 'result',
          head: t('node.requests.result'),
          width: 'minmax(8rem, 2fr)',
          cell: ({ code }) => (
            <span className="flex items-center gap-2">
              <Badge tone={code === 'ok' ? 'good' : 'bad'}>{code === 'ok' ? t('node.requests.answered') : code}</Badge>
              {code !== 'ok' && (
                <span className="truncate text-muted-foreground max-md:hidden">{reason(code).why}</span>
              )}
            </span>
          ),
        },
        {
          key: 'ms',
          head: t('node.requests.duration'),
          width: '5.5rem',
          isNumber: true,
          cell: ({ ms }) => duration(ms),
        },
      ]}
    />
  )
}

function Parameters({ parameters }: { parameters: RequestDetail['request'] }) {
  const { t } = useTranslation()
  const entries = Object.keys(parameters).length
  const text = JSON.stringify(parameters, null, 2)
  return (
    <Section title={t('node.requests.parameters')}>
      {entries === 0 ? (
        <p className="text-muted-foreground">{t('node.requests.parametersNone')}</p>
      ) : (
        <Scrolled text={text} copied={text} />
      )}
    </Section>
  )
}
