import { useTranslation } from 'react-i18next'
import type { Alert } from '../../client/api.ts'
import { Badge } from '../../parts/badge.tsx'
import { dateTime, relative } from '../../parts/format.ts'
import { Card } from '../../parts/page.tsx'
import { measure, useMeaning } from './meaning.ts'

/** An alert that goes on: what it means and what helps. */
export function FiringAlert({ alert }: { alert: Alert }) {
  const { t } = useTranslation()
  const { name, about, todo } = useMeaning()(alert)
  return (
    <Card className="grid gap-2 border-destructive/40">
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="font-semibold">{name}</h3>
        {alert.subject !== '' && <Badge>{alert.subject}</Badge>}
        <Badge tone="bad" className="tabular">
          {t('node.alerts.limit', { value: measure(alert, alert.value), threshold: measure(alert, alert.threshold) })}
        </Badge>
        <time className="ml-auto text-xs text-muted-foreground" title={dateTime(alert.startedAt)}>
          {relative(alert.startedAt)}
        </time>
      </div>
      <p className="text-muted-foreground">{about}</p>
      <p>
        <span className="font-medium">{t('node.alerts.todo')}:</span> {todo}
      </p>
    </Card>
  )
}
