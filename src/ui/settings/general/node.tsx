import { ExternalLink, RefreshCw } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { useApi, useChange } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Copy } from '../../parts/copy.tsx'
import { duration, number } from '../../parts/format.ts'
import { Card, Facts, Section } from '../../parts/page.tsx'
import { Failed, Waiting } from '../../parts/states.tsx'

/** What the node says of itself. */
export function Node() {
  const { t } = useTranslation()
  const mayView = useMay('viewer')
  const health = useApi('GET /status/health')
  const { data: status } = useApi('GET /status', {}, { enabled: mayView })
  const base = `${location.origin}/v1`
  return (
    <Section title={t('settings.general.node')} actions={<Reload />}>
      <Card>
        {health.data === undefined ? (
          health.error ? (
            <Failed error={health.error} onRetry={() => void health.refetch()} />
          ) : (
            <Waiting rows={3} />
          )
        ) : (
          <Facts
            facts={[
              [t('settings.general.version'), health.data.version],
              [t('settings.general.uptime'), upFor(health.data.uptimeSeconds)],
              [
                t('settings.general.origin'),
                <span
                  key="origin"
                  className="flex flex-wrap items-center gap-1 font-mono text-[0.8125rem] [&_button]:-my-1.5 [&_button]:size-7"
                >
                  {base}
                  <Copy text={base} />
                </span>,
              ],
              status
                ? [
                    t('settings.general.store'),
                    t(status.store === 'up' ? 'settings.general.storeUp' : 'settings.general.storeDown'),
                  ]
                : null,
              status ? [t('settings.general.shared'), t(`settings.general.sharedStates.${status.shared}`)] : null,
              [
                t('settings.general.docs'),
                <a
                  key="docs"
                  href="/api/docs"
                  target="_blank"
                  rel="noopener noreferrer"
                  className="inline-flex items-center gap-1 text-primary underline underline-offset-2"
                >
                  {t('settings.general.docsLink')}
                  <ExternalLink aria-hidden className="size-3.5" />
                </a>,
              ],
            ]}
          />
        )}
      </Card>
    </Section>
  )
}

const daySeconds = 86_400

function upFor(seconds: number): string {
  return seconds >= 2 * daySeconds ? `${number(seconds / daySeconds, 1)} d` : duration(seconds * 1_000)
}

function Reload() {
  const { t } = useTranslation()
  const mayReload = useMay('operator')
  const reload = useChange('POST /reload', ['/'])
  if (!mayReload) return null
  const ask = () =>
    reload.mutate(
      { body: {} },
      {
        onSuccess: ({ needsRestart }) => {
          if (needsRestart.length === 0) toast.success(t('settings.general.reloaded'))
          else toast.warning(t('settings.general.reloadedSome', { sections: needsRestart.join(', ') }))
        },
        onError: error => toast.error(error instanceof Error ? error.message : String(error)),
      },
    )
  return (
    <Button isBusy={reload.isPending} title={t('settings.general.reloadAbout')} onClick={ask}>
      <RefreshCw aria-hidden />
      {t('settings.general.reload')}
    </Button>
  )
}
