import { useTranslation } from 'react-i18next'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Banner } from '../../parts/states.tsx'
import type { Wallet } from './screen.tsx'

/** What is missing before peers can be paid, one thing at a time; it goes by itself when it has come. */
export function Lacks({ wallet, onDeposit }: { wallet: Wallet; onDeposit: () => void }) {
  const { t } = useTranslation()
  const mayMove = useMay('admin') && wallet.state === 'open'
  const { balances, token } = wallet
  if (balances === null || token === null) return null
  const { symbol } = token
  const isEmpty = BigInt(balances.escrow) + BigInt(balances.reserved) === 0n
  if (isEmpty && BigInt(balances.wallet) === 0n) {
    return <Banner title={t('money.wallet.noFunds')}>{t('money.wallet.noFundsAbout', { symbol })}</Banner>
  }
  if (BigInt(balances.gas) === 0n) {
    return (
      <Banner tone="warning" title={t('money.wallet.noGas')}>
        {t('money.wallet.noGasAbout')}
      </Banner>
    )
  }
  if (!isEmpty || wallet.exit !== null) return null
  return (
    <Banner
      title={t('money.wallet.notDeposited')}
      action={
        mayMove && (
          <Button size="sm" onClick={onDeposit}>
            {t('money.deposit.action')}
          </Button>
        )
      }
    >
      {t('money.wallet.notDepositedAbout')}
    </Banner>
  )
}
