import { useTranslation } from 'react-i18next'
import { Banner } from '../../parts/states.tsx'
import { tokens } from '../shared/amounts.ts'
import type { Escrow } from './screen.tsx'

const silentMs = 86_400_000

/** Providers that are owed something and have said nothing for a day. */
export function Silent({ escrow: { providers, token } }: { escrow: Escrow }) {
  const { t } = useTranslation()
  const silent = providers.filter(
    ({ authorized, claimed, lastReceiptAt }) =>
      BigInt(authorized) > BigInt(claimed) &&
      lastReceiptAt !== null &&
      Date.now() - Date.parse(lastReceiptAt) > silentMs,
  )
  if (silent.length === 0) return null
  const owed = silent.reduce((sum, { authorized, claimed }) => sum + BigInt(authorized) - BigInt(claimed), 0n)
  return (
    <Banner title={t('money.sessions.silent', { count: silent.length })}>
      {t('money.sessions.silentAbout', { amount: tokens(owed, token) })}
    </Banner>
  )
}
