import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { useApi, useChange } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Select } from '../../parts/field.tsx'
import { useFilters } from '../../parts/filters.ts'
import { Page } from '../../parts/page.tsx'
import { ChoiceFilter, SpanFilter, TextFilter } from '../shared/filter-fields.tsx'
import { LiveButton } from '../shared/live-button.tsx'
import { StoreBanner } from '../shared/store-banner.tsx'
import { LogList } from './list.tsx'
import { levelNames, logFilterNames } from './query.ts'

/** What the node says, narrowed and followed. */
export function Screen() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const [isLive, setIsLive] = useState(true)
  const set = (name: string) => (value: string | undefined) => change({ [name]: value })
  const clear = () => change(Object.fromEntries(logFilterNames.map(name => [name, undefined])))
  const isNarrowed = logFilterNames.some(name => filters[name] !== undefined)
  return (
    <Page
      title={t('node.logs.title')}
      about={t('node.logs.about')}
      actions={
        <>
          <LevelSwitch />
          <LiveButton isLive={isLive} onChange={setIsLive} />
        </>
      }
    >
      <StoreBanner />
      <div className="grid grid-cols-[repeat(auto-fill,minmax(10rem,1fr))] items-end gap-2 max-md:grid-cols-2">
        <ChoiceFilter
          label={t('node.logs.level')}
          value={filters.level}
          onChange={set('level')}
          options={levelNames.map(name => [name, t(`node.logs.levels.${name}`)])}
        />
        <TextFilter label={t('node.logs.component')} value={filters.component} onChange={set('component')} />
        <TextFilter label={t('node.logs.search')} value={filters.search} onChange={set('search')} />
        <SpanFilter filters={filters} onChange={change} />
        {filters.requestId !== undefined && (
          <TextFilter label={t('node.logs.requestId')} value={filters.requestId} onChange={set('requestId')} />
        )}
        {isNarrowed && (
          <Button look="quiet" size="sm" className="justify-self-start max-md:h-11" onClick={clear}>
            {t('node.clearFilters')}
          </Button>
        )}
      </div>
      <LogList filters={filters} isLive={isLive} isNarrowed={isNarrowed} onClear={clear} />
    </Page>
  )
}

/** How much is written at all. */
function LevelSwitch() {
  const { t } = useTranslation()
  const id = useId()
  const mayOperate = useMay('operator')
  const { data } = useApi('GET /logs/level')
  const change = useChange('PUT /logs/level', ['/logs/level'])
  if (data === undefined) return null
  const choose = (level: (typeof levelNames)[number]) =>
    change.mutate(
      { body: { level } },
      {
        onSuccess: () => toast.success(t('node.logs.written', { level })),
        onError: error => toast.error(error instanceof Error ? error.message : String(error)),
      },
    )
  return (
    <div className="flex items-center gap-2 text-[0.8125rem] text-muted-foreground" title={t('node.logs.writesAbout')}>
      <label htmlFor={id}>{t('node.logs.writes')}</label>
      <Select
        id={id}
        className="w-auto text-foreground"
        disabled={!mayOperate || change.isPending}
        value={data.level}
        onChange={({ target }) => choose(target.value as (typeof levelNames)[number])}
      >
        {levelNames.map(name => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
        {!levelNames.some(name => name === data.level) && <option value={data.level}>{data.level}</option>}
      </Select>
    </div>
  )
}
