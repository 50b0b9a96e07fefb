import { useTranslation } from 'react-i18next'
import { Card, Facts, Section } from '../../parts/page.tsx'
import { tokens } from '../shared/amounts.ts'
import { Share } from '../shared/share.tsx'
import type { Wallet } from './screen.tsx'

/** What this node spends at most, and how much of it is gone. */
export function Caps({ wallet: { caps, token } }: { wallet: Wallet }) {
  const { t } = useTranslation()
  if (caps === null || token === null) return null
  const { perRequest, perHour, perDay, spentToday } = caps
  const text = t('money.wallet.capsOf', { spent: tokens(spentToday, token), cap: tokens(perDay, token) })
  return (
    <Section title={t('money.wallet.caps')}>
      <Card className="grid gap-4">
        <div className="grid gap-2">
          <div className="flex flex-wrap justify-between gap-x-4">
            <span className="text-muted-foreground">{t('money.wallet.capsSpent')}</span>
            <span className="tabular font-medium">{text}</span>
          </div>
          <Share label={`${t('money.wallet.capsSpent')}: ${text}`} part={BigInt(spentToday)} whole={BigInt(perDay)} />
        </div>
        <Facts
          facts={[
            [t('money.wallet.capsRequest'), <Amount key="request" text={tokens(perRequest, token)} />],
            [t('money.wallet.capsHour'), <Amount key="hour" text={tokens(perHour, token)} />],
            [t('money.wallet.capsDay'), <Amount key="day" text={tokens(perDay, token)} />],
          ]}
        />
        <p className="text-[0.8125rem] text-muted-foreground">{t('money.wallet.capsAbout')}</p>
      </Card>
    </Section>
  )
}

function Amount({ text }: { text: string }) {
  return <span className="tabular">{text}</span>
}
