import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Card, Section } from '../../parts/page.tsx'

const limit = 200

/** Whether words are kept, and how that is changed. */
export function Archive() {
  const { t } = useTranslation()
  const { data } = useApi('GET /keys', { query: { limit, revoked: 'false' } })
  const mayView = useMay('viewer')
  const { data: status } = useApi('GET /status', {}, { enabled: mayView })
  const isOn = status?.summary.archive
  const count = data?.data.filter(({ archive }) => archive === 'on').length ?? 0
  return (
    <Section title={t('settings.privacy.archive')}>
      <Card className="flex flex-wrap items-start justify-between gap-3">
        <div className="grid flex-1 basis-72 gap-2">
          {isOn !== undefined && (
            <p className="flex flex-wrap items-center gap-2 font-medium">
              <Badge tone={isOn ? 'warning' : 'good'}>{t(isOn ? 'common.on' : 'common.off')}</Badge>
              {t(isOn ? 'settings.privacy.archiveOn' : 'settings.privacy.archiveOff')}
            </p>
          )}
          {count > 0 && <p className="font-medium">{t('settings.privacy.archiveKeys', { count })}</p>}
          <p className="text-muted-foreground">{t('settings.privacy.archiveHow')}</p>
        </div>
        <Button asChild>
          <Link to={'/settings/people' as '/'}>{t('settings.privacy.toKeys')}</Link>
        </Button>
      </Card>
    </Section>
  )
}
