import { SlidersHorizontal } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { ChoiceFilter, SpanFilter, TextFilter } from '../shared/filter-fields.tsx'
import { filterNames, hasFilters, paths, statusNames } from './query.ts'

interface Props {
  filters: Readonly<Record<string, string>>
  onChange: (change: Record<string, string | undefined>) => void
}

const listMs = 60_000

export function RequestFilters({ filters, onChange }: Props) {
  const { t } = useTranslation()
  const [isOpen, setIsOpen] = useState(false)
  const isSet = hasFilters(filters)
  const { data: models } = useApi('GET /models', {}, { staleTime: listMs })
  const { data: keys } = useApi('GET /keys', { query: { limit: 200 } }, { staleTime: listMs })
  const modelNames = models?.data.map(({ id }) => id) ?? []
  const providerNames = [...new Set(models?.data.flatMap(({ offers }) => offers.map(({ provider }) => provider)))]
  const set = (name: string) => (value: string | undefined) => onChange({ [name]: value })
  return (
    <div className="grid gap-2">
      <Button className="justify-self-start md:hidden" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <SlidersHorizontal aria-hidden />
        {t('node.requests.filters')}
      </Button>
      <div
        className={cn(
          'grid grid-cols-[repeat(auto-fill,minmax(7.5rem,1fr))] items-end gap-2 max-md:grid-cols-2',
          !isOpen && 'max-md:hidden',
        )}
      >
        <SpanFilter filters={filters} onChange={onChange} />
        <ChoiceFilter
          label={t('node.requests.status')}
          value={filters.status}
          onChange={set('status')}
          options={statusNames.map(name => [name, t(`node.requests.statuses.${name}`)])}
        />
        <ChoiceFilter
          label={t('node.requests.endpoint')}
          value={filters.endpoint}
          onChange={set('endpoint')}
          options={paths.map(path => [path, path])}
        />
        <TextFilter
          label={t('node.requests.provider')}
          value={filters.provider}
          onChange={set('provider')}
          options={providerNames}
        />
        <TextFilter
          label={t('node.requests.model')}
          value={filters.model}
          onChange={set('model')}
          options={modelNames}
        />
        {keys && keys.data.length > 0 && (
          <ChoiceFilter
            label={t('node.requests.key')}
            value={filters.keyId}
            onChange={set('keyId')}
            options={keys.data.map(({ id, name }) => [id, name])}
          />
        )}
        <TextFilter label={t('node.requests.project')} value={filters.project} onChange={set('project')} />
        {isSet && (
          <Button
            look="quiet"
            size="sm"
            className="justify-self-start max-md:h-11"
            onClick={() => onChange(Object.fromEntries(filterNames.map(name => [name, undefined])))}
          >
            {t('node.clearFilters')}
          </Button>
        )}
      </div>
    </div>
  )
}
