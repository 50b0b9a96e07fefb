import { Store } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Code } from '../../parts/copy.tsx'
import { Card } from '../../parts/page.tsx'
import { Banner } from '../../parts/states.tsx'
import { tokens } from '../shared/amounts.ts'
import { span } from '../shared/span.ts'
import type { Selling } from './screen.tsx'

/** What it takes to become a provider. */
export function NotProvider({ selling: { terms, token } }: { selling: Selling }) {
  const { t } = useTranslation()
  const stake =
    terms === null
      ? t('money.selling.off2Unknown')
      : t('money.selling.off2', { stake: tokens(terms.minStake, token), days: span(terms.unbondingSeconds) })
  return (
    <Card className="grid gap-3">
      <div className="flex items-center gap-2">
        <Store aria-hidden className="size-5 text-muted-foreground" />
        <h2 className="text-base font-semibold">{t('money.selling.off')}</h2>
      </div>
      <p className="text-muted-foreground">{t('money.selling.offAbout')}</p>
      <ol className="grid list-decimal gap-2 pl-5 marker:text-muted-foreground">
        <li>{t('money.selling.off1')}</li>
        <li>{stake}</li>
        <li>
          <div className="grid gap-2">
            {t('money.selling.off3')}
            <Code text={'[provider]\nenabled = true'} />
          </div>
        </li>
      </ol>
    </Card>
  )
}

export function NotRegistered({ selling, onRegister }: { selling: Selling; onRegister: () => void }) {
  const { t } = useTranslation()
  const { data: wallet } = useApi('GET /wallet')
  const mayMove = useMay('admin') && wallet?.state === 'open'
  const { terms, token } = selling
  return (
    <Banner
      tone="warning"
      title={t('money.selling.notRegistered')}
      action={
        mayMove &&
        token && (
          <Button size="sm" look="primary" onClick={onRegister}>
            {t('money.selling.register')}
          </Button>
        )
      }
    >
      {t('money.selling.notRegisteredAbout', { stake: tokens(terms?.minStake, token) })}
    </Banner>
  )
}
