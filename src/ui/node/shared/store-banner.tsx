import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Banner } from '../../parts/states.tsx'
import { calmMs } from './pace.ts'

/** Says so where the database is away: what is shown is what was known before. */
export function StoreBanner() {
  const { t } = useTranslation()
  const mayView = useMay('viewer')
  const { data } = useApi('GET /status', {}, { refetchInterval: calmMs, enabled: mayView })
  if (data === undefined || data.store === 'up') return null
  const waiting = Object.values(data.queues).reduce((sum, count) => sum + count, 0)
  return (
    <Banner tone="warning" title={t('node.storeDown')}>
      {t('node.storeDownAbout', { count: waiting })}
    </Banner>
  )
}
