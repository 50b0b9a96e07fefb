import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, useChange } from '../../client/api.ts'
import { Banner } from '../../parts/states.tsx'
import { AmountField } from './amount-field.tsx'
import { coins, needsTyping, parseAmount, plain } from './amounts.ts'
import { MoneyDialog } from './money-dialog.tsx'

type Wallet = Answer<'GET /wallet'>

interface DepositProps {
  isOpen: boolean
  onClose: () => void
  token: NonNullable<Wallet['token']>
  balances: NonNullable<Wallet['balances']>
}

/** Moves tokens of the wallet into the escrow. Begins anew whenever it is opened. */
export function Deposit(props: DepositProps) {
  return props.isOpen ? <OpenDeposit {...props} /> : null
}

function OpenDeposit({ isOpen, onClose, token, balances }: DepositProps) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const deposit = useChange('POST /escrow/deposit', ['/escrow', '/wallet', '/status'])
  const max = BigInt(balances.wallet)
  const amount = parseAmount(text, token.decimals)
  const isFine = amount !== undefined && amount > 0n && amount <= max
  const hasGas = BigInt(balances.gas) > 0n
  return (
    <MoneyDialog
      {...{ isOpen, onClose }}
      title={t('money.deposit.title')}
      about={t('money.deposit.about')}
      action={t('money.deposit.action')}
      typed={isFine && needsTyping(amount, token.decimals) ? plain(amount, token.decimals) : undefined}
      isReady={isFine && hasGas}
      isBusy={deposit.isPending}
      error={deposit.error}
      done={deposit.data}
      onConfirm={() => amount !== undefined && deposit.mutate({ body: { amount: plain(amount, token.decimals) } })}
    >
      <AmountField token={token} max={max} value={text} onChange={setText} />
      {hasGas ? (
        <p className="text-[0.8125rem] text-muted-foreground">{t('money.gasHint', { gas: coins(balances.gas) })}</p>
      ) : (
        <Banner tone="warning">{t('money.noGas')}</Banner>
      )}
    </MoneyDialog>
  )
}
