import { useQuery } from '@tanstack/react-query'
import { ExternalLink } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { isNode } from '../../client/session.ts'
import { Dot } from '../../parts/badge.tsx'
import { Card, Facts, Page, Section } from '../../parts/page.tsx'
import { Failed, Waiting } from '../../parts/states.tsx'

const licence = 'MIT'
const noticesPath = '/third-party-notices.txt'

export function Screen() {
  const { t } = useTranslation()
  return (
    <Page title={t('settings.about.title')} about={t('settings.about.about')} isNarrow>
      <Section>
        <Card className="grid gap-4">
          <div className="flex items-center gap-3">
            <img src="/icon.svg" alt="" className="size-10" />
            <div>
              <p className="text-lg font-semibold tracking-tight">Parley</p>
              <p className="text-muted-foreground">{licence}</p>
            </div>
          </div>
          {isNode ? <NodeFacts /> : <p>{t('settings.about.standalone')}</p>}
          <Notices />
        </Card>
      </Section>
      <p className="text-muted-foreground">{t('settings.about.source')}</p>
    </Page>
  )
}

const everyMs = 15_000

function NodeFacts() {
  const { t } = useTranslation()
  const { data, error, isError, refetch } = useApi('GET /status/health', {}, { refetchInterval: everyMs })
  if (data === undefined) return error ? <Failed error={error} onRetry={() => void refetch()} /> : <Waiting rows={3} />
  return (
    <Facts
      facts={[
        [t('settings.about.version'), data.version],
        [
          t('settings.about.health'),
          <span key="health" className="flex items-center gap-1.5">
            <Dot tone={isError ? 'bad' : 'good'} />
            {t(isError ? 'settings.about.unhealthy' : 'settings.about.healthy')}
          </span>,
        ],
        [
          t('settings.about.docs'),
          <span key="docs" className="flex flex-wrap gap-x-4">
            <Away to="/api/docs" text={t('settings.about.api')} />
            <Away to="/api/openapi.json" text={t('settings.about.openapi')} />
          </span>,
        ],
      ]}
    />
  )
}

/** Beside the pages where a build has put it. */
function Notices() {
  const { t } = useTranslation()
  const { data: isThere } = useQuery({
    queryKey: ['notices'],
    queryFn: async () => {
      const response = await fetch(noticesPath, { method: 'HEAD' })
      return response.ok && (response.headers.get('content-type') ?? '').startsWith('text/plain')
    },
    staleTime: Number.POSITIVE_INFINITY,
  })
  return isThere ? <Away to={noticesPath} text={t('settings.about.noticesLink')} /> : null
}

function Away({ to, text }: { to: string; text: string }) {
  return (
    <a
      href={to}
      target="_blank"
      rel="noopener noreferrer"
      className="inline-flex items-center gap-1 text-primary underline underline-offset-2"
    >
      {text}
      <ExternalLink aria-hidden className="size-3.5" />
    </a>
  )
}
