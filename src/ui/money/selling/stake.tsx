import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, useChange } from '../../client/api.ts'
import { AmountField } from '../shared/amount-field.tsx'
import { coins, needsTyping, parseAmount, plain } from '../shared/amounts.ts'
import { MoneyDialog } from '../shared/money-dialog.tsx'
import type { Selling } from './screen.tsx'

interface StakeProps {
  selling: Selling
  balances: NonNullable<Answer<'GET /wallet'>['balances']>
  onClose: () => void
}

export function StakeDialog({ selling: { token }, balances, onClose }: StakeProps) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const stake = useChange('POST /selling/stake', ['/selling', '/wallet', '/status'])
  if (token === null) return null
  const amount = parseAmount(text, token.decimals)
  const isFine = amount !== undefined && amount > 0n && amount <= BigInt(balances.wallet)
  return (
    <MoneyDialog
      isOpen
      onClose={onClose}
      title={t('money.selling.stakeAdd')}
      about={t('money.selling.stakeAddAbout')}
      action={t('money.selling.stakeAdd')}
      typed={isFine && needsTyping(amount, token.decimals) ? plain(amount, token.decimals) : undefined}
      isReady={isFine}
      isBusy={stake.isPending}
      error={stake.error}
      done={stake.data}
      onConfirm={() => amount !== undefined && stake.mutate({ body: { amount: plain(amount, token.decimals) } })}
    >
      <AmountField token={token} max={BigInt(balances.wallet)} value={text} onChange={setText} />
      <p className="text-[0.8125rem] text-muted-foreground">{t('money.gasHint', { gas: coins(balances.gas) })}</p>
    </MoneyDialog>
  )
}
