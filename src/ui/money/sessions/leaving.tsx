import { Check } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useChange } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { relative } from '../../parts/format.ts'
import { Card } from '../../parts/page.tsx'
import { tokens } from '../shared/amounts.ts'
import { MoneyDialog } from '../shared/money-dialog.tsx'
import { moment, useNow } from '../shared/span.ts'
import type { Escrow } from './screen.tsx'

/** An account that is being closed: requested, waiting, ready. What came of it stays to be read when it is closed. */
export function Leaving({ escrow }: { escrow: Escrow }) {
  const [amount, setAmount] = useState<string>()
  return (
    <>
      <State escrow={escrow} onWithdraw={setAmount} />
      {amount !== undefined && <Withdraw amount={amount} onClose={() => setAmount(undefined)} />}
    </>
  )
}

function State({ escrow, onWithdraw }: { escrow: Escrow; onWithdraw: (amount: string) => void }) {
  const { t } = useTranslation()
  const now = useNow()
  const mayMove = useMay('admin')
  const { state, exit, whereIsMyMoney: where, token } = escrow
  if (exit === null || where === null || token === null) return null
  const isReady = state === 'withdrawable'
  const amount = tokens(where.refundable, token)
  const date = moment(exit.readyAt)
  return (
    <Card className="grid gap-4 border-primary/40">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="grid gap-0.5">
          <h2 className="font-medium">{t(isReady ? 'money.sessions.ready' : 'money.sessions.exiting')}</h2>
          <p className="text-muted-foreground">
            {isReady
              ? t('money.sessions.readyAbout', { amount })
              : `${t('money.sessions.exitingAbout', { date, amount })} (${relative(exit.readyAt, now)})`}
          </p>
        </div>
        {isReady && mayMove && (
          <Button look="primary" onClick={() => onWithdraw(amount)}>
            {t('money.sessions.withdraw', { amount })}
          </Button>
        )}
      </div>
      <Steps isReady={isReady} date={date} />
    </Card>
  )
}

function Steps({ isReady, date }: { isReady: boolean; date: string }) {
  const { t } = useTranslation()
  const steps = [
    { name: t('money.sessions.steps.requested'), isDone: true },
    { name: t('money.sessions.steps.waiting', { date }), isDone: isReady },
    { name: t('money.sessions.steps.ready'), isDone: isReady },
  ]
  const current = isReady ? 2 : 1
  return (
    <ol className="flex flex-wrap gap-x-6 gap-y-2">
      {steps.map(({ name, isDone }, at) => (
        <li key={name} aria-current={at === current ? 'step' : undefined} className="flex items-center gap-2">
          <span
            aria-hidden
            className={cn(
              'flex size-5 items-center justify-center rounded-full border text-xs',
              isDone && 'border-primary bg-primary text-primary-foreground',
              at === current && !isDone && 'border-primary text-primary',
            )}
          >
            {isDone ? <Check className="size-3" /> : at + 1}
          </span>
          <span className={cn(at === current ? 'font-medium' : 'text-muted-foreground')}>{name}</span>
        </li>
      ))}
    </ol>
  )
}

function Withdraw({ amount, onClose }: { amount: string; onClose: () => void }) {
  const { t } = useTranslation()
  const withdraw = useChange('POST /escrow/withdraw', ['/escrow', '/wallet', '/status'])
  return (
    <MoneyDialog
      isOpen
      onClose={onClose}
      title={t('money.sessions.withdrawTitle')}
      about={t('money.sessions.withdrawAbout', { amount })}
      action={t('money.sessions.withdrawAction')}
      isBusy={withdraw.isPending}
      error={withdraw.error}
      done={withdraw.data}
      onConfirm={() => withdraw.mutate({ body: {} })}
    />
  )
}
