import { useTranslation } from 'react-i18next'
import { Short } from '../../parts/copy.tsx'
import { Card, Section } from '../../parts/page.tsx'
import type { Wallet } from './screen.tsx'

export function Others({ others }: Pick<Wallet, 'others'>) {
  const { t } = useTranslation()
  if (others.length === 0) return null
  return (
    <Section title={t('money.wallet.others')} about={t('money.wallet.othersAbout')}>
      <Card className="p-0">
        <ul className="divide-y">
          {others.map(({ name, address }) => (
            <li key={name} className="flex flex-wrap items-center justify-between gap-x-4 px-4 py-2">
              <span className="font-medium">{name}</span>
              {address && <Short text={address} />}
            </li>
          ))}
        </ul>
      </Card>
    </Section>
  )
}
