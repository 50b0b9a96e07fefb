import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useChange } from '../../client/api.ts'
import { plain, tokens } from '../shared/amounts.ts'
import { MoneyDialog } from '../shared/money-dialog.tsx'
import { moment } from '../shared/span.ts'
import type { Selling } from './screen.tsx'

/** First the exit is asked for; once the unbonding time is over, the stake is taken home. */
export function LeaveDialog({ selling, onClose }: { selling: Selling; onClose: () => void }) {
  const { t } = useTranslation()
  const exit = useChange('POST /selling/exit', ['/selling', '/wallet', '/status'])
  // What it was about when it was asked: afterwards the registry says something else.
  const [{ registered, token, terms }] = useState(selling)
  if (registered === null) return null
  const isSecond = registered.exitAt !== null
  const stake = tokens(registered.stake, token)
  const date = terms === null ? '–' : moment(Date.now() + terms.unbondingSeconds * 1_000)
  const typed = token === null || isSecond ? undefined : plain(BigInt(registered.stake), token.decimals)
  return (
    <MoneyDialog
      isOpen
      onClose={onClose}
      title={t(isSecond ? 'money.selling.takeStake' : 'money.selling.leaveTitle')}
      about={isSecond ? t('money.selling.takeStakeAbout') : t('money.selling.leaveAbout', { stake, date })}
      action={t(isSecond ? 'money.selling.takeStake' : 'money.selling.leaveAction')}
      isDangerous={!isSecond}
      typed={typed}
      isBusy={exit.isPending}
      error={exit.error}
      done={
        exit.data && {
          transaction: exit.data.transaction,
          note: exit.data.readyAt !== null && (
            <p>{t('money.selling.leavingAbout', { stake, date: moment(exit.data.readyAt) })}</p>
          ),
        }
      }
      onConfirm={() => exit.mutate({ body: {} })}
    />
  )
}
