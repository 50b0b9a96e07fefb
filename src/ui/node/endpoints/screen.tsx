import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Endpoint, useApi, useChange } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge } from '../../parts/badge.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Switch } from '../../parts/field.tsx'
import { useFilters } from '../../parts/filters.ts'
import { Card, Page } from '../../parts/page.tsx'
import { Failed, Waiting } from '../../parts/states.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { en } from '../../words/en/index.ts'
import { calmMs } from '../shared/pace.ts'
import { StoreBanner } from '../shared/store-banner.tsx'
import { DryRunCard } from './dry-run.tsx'
import { Names } from './names.tsx'

type KnownPath = keyof typeof en.node.endpoints.paths
const isKnown = (path: string): path is KnownPath => Object.hasOwn(en.node.endpoints.paths, path)
/** Lists models: no call to map. */
const listPath = '/v1/models'

/** Which paths are open, and what names mean on each. */
export function Screen() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const { data, error, refetch } = useApi('GET /endpoints', { query: { limit: 200 } }, { refetchInterval: calmMs })
  const nameOf = (path: string) => (isKnown(path) ? t(`node.endpoints.paths.${path}`) : path)
  const chosen = data?.data.find(({ path }) => path === filters.path) ?? data?.data[0]
  return (
    <Page title={t('node.endpoints.title')} about={t('node.endpoints.about')}>
      <StoreBanner />
      {data === undefined || chosen === undefined ? (
        error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Waiting rows={6} />
        )
      ) : (
        <Tabs
          label={t('node.endpoints.title')}
          value={chosen.path}
          onChange={path => change({ path })}
          tabs={data.data.map(endpoint => ({
            id: endpoint.path,
            label: (
              <span className="flex items-center gap-2">
                {nameOf(endpoint.path)}
                {!endpoint.active && <Badge tone="warning">{t('node.endpoints.closed')}</Badge>}
              </span>
            ),
            content: <OneEndpoint endpoint={endpoint} />,
          }))}
        />
      )}
    </Page>
  )
}

function OneEndpoint({ endpoint }: { endpoint: Endpoint }) {
  const { t } = useTranslation()
  if (endpoint.path === listPath) {
    return (
      <div className="grid max-w-xl gap-4">
        <OpenCard endpoint={endpoint} />
        <p className="text-muted-foreground">{t('node.endpoints.noMapping')}</p>
      </div>
    )
  }
  return (
    <div className="grid items-start gap-5 xl:grid-cols-[3fr_2fr]">
      <div className="grid gap-5">
        <OpenCard endpoint={endpoint} />
        <Names endpoint={endpoint} />
      </div>
      <DryRunCard endpoint={endpoint} />
    </div>
  )
}

function OpenCard({ endpoint: { id, path, active } }: { endpoint: Endpoint }) {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const [isAsking, setIsAsking] = useState(false)
  const change = useChange('PUT /endpoints/:id', ['/endpoints', '/models'])
  const set = (wanted: boolean) =>
    change.mutate({ params: { id }, body: { active: wanted } }, { onSuccess: () => setIsAsking(false) })
  return (
    <Card>
      <Switch
        label={<code className="font-mono text-[0.8125rem]">{path}</code>}
        hint={t(active ? 'node.endpoints.openHint' : 'node.endpoints.closedHint')}
        checked={active}
        disabled={!mayOperate || change.isPending}
        onChange={wanted => (wanted ? set(true) : setIsAsking(true))}
      />
      {change.error !== null && !isAsking && <Failed error={change.error} />}
      <Confirm
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        title={t('node.endpoints.closeTitle', { path })}
        description={t('node.endpoints.closeAbout')}
        action={t('node.endpoints.close')}
        isDangerous
        isBusy={change.isPending}
        error={change.error instanceof Error ? change.error.message : undefined}
        onConfirm={() => set(false)}
      />
    </Card>
  )
}
