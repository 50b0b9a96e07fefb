import { useTranslation } from 'react-i18next'
import type { ConfigurationChanges } from '../../client/api.ts'
import { Banner } from '../../parts/states.tsx'

/** What would change, by name. */
export function Changes({ changes }: { changes: ConfigurationChanges }) {
  const { t } = useTranslation()
  const { created, updated, removed, endpoints, routing, withoutKey } = changes
  const lists = [
    [t('node.profiles.created'), created],
    [t('node.profiles.updatedProviders'), updated],
    [t('node.profiles.removedProviders'), removed],
    [t('node.profiles.endpoints'), endpoints],
  ] as const
  const isNothing = lists.every(([, names]) => names.length === 0) && !routing
  return (
    <div className="grid gap-2" role="status">
      <h3 className="font-medium">{t('node.profiles.changes')}</h3>
      {isNothing && <p className="text-muted-foreground">{t('node.profiles.changesNone')}</p>}
      <ul className="grid gap-1">
        {lists.map(
          ([title, names]) =>
            names.length > 0 && (
              <li key={title}>
                {title}: <span className="font-medium break-all">{names.join(', ')}</span>
              </li>
            ),
        )}
        {routing && <li>{t('node.profiles.routing')}</li>}
      </ul>
      {withoutKey.length > 0 && (
        <Banner tone="warning" title={`${t('node.profiles.withoutKey')}: ${withoutKey.join(', ')}`}>
          {t('node.profiles.withoutKeyAbout')}
        </Banner>
      )}
    </div>
  )
}
