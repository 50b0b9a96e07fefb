import { Lock } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../client/session.ts'

/** Where an admin has buttons: why others have none. */
export function AdminOnly() {
  const { t } = useTranslation()
  if (useMay('admin')) return null
  return (
    <p className="flex items-center gap-1.5 text-[0.8125rem] text-muted-foreground">
      <Lock aria-hidden className="size-3.5" />
      {t('money.adminOnly')}
    </p>
  )
}
