import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../client/session.ts'
import { useFilters } from '../../parts/filters.ts'
import { Page } from '../../parts/page.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { LiveButton } from '../shared/live-button.tsx'
import { StoreBanner } from '../shared/store-banner.tsx'
import { ExportButton } from './export-button.tsx'
import { RequestFilters } from './filters.tsx'
import { RequestList } from './list.tsx'
import { RequestNumbers } from './numbers.tsx'
import { filterNames, hasFilters, useRequestQuery } from './query.ts'

/** What was asked, by whom it was answered, and why it failed. */
export function Screen() {
  const { t } = useTranslation()
  const mayView = useMay('viewer')
  const [filters, change] = useFilters()
  const [isLive, setIsLive] = useState(true)
  const query = useRequestQuery(filters)
  const clear = () => change(Object.fromEntries(filterNames.map(name => [name, undefined])))
  const list = <RequestList query={query} isLive={isLive} isNarrowed={hasFilters(filters)} onClear={clear} />
  return (
    <Page
      title={t('node.requests.title')}
      about={mayView ? t('node.requests.about') : t('node.requests.aboutOwn')}
      actions={
        <>
          <LiveButton isLive={isLive} onChange={setIsLive} />
          <ExportButton query={query} />
        </>
      }
    >
      <StoreBanner />
      <RequestFilters filters={filters} onChange={change} />
      {mayView ? (
        <Tabs
          label={t('node.requests.title')}
          value={filters.view ?? 'list'}
          onChange={view => change({ view: view === 'list' ? undefined : view })}
          tabs={[
            { id: 'list', label: t('node.requests.list'), content: list },
            {
              id: 'numbers',
              label: t('node.requests.numbers'),
              content: <RequestNumbers query={query} filters={filters} onChange={change} />,
            },
          ]}
        />
      ) : (
        list
      )}
    </Page>
  )
}
