import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useChange } from '../../client/api.ts'
import { Facts } from '../../parts/page.tsx'
import { needsTyping, plain, tokens } from '../shared/amounts.ts'
import { MoneyDialog } from '../shared/money-dialog.tsx'
import { moment, span } from '../shared/span.ts'
import type { Escrow } from './screen.tsx'

/** Asks for the exit: says how much comes back, and when. */
export function CloseAccount({ escrow, onClose }: { escrow: Escrow; onClose: () => void }) {
  const { t } = useTranslation()
  const exit = useChange('POST /escrow/exit', ['/escrow', '/wallet', '/status'])
  // The amounts that are agreed to, also when others are read meanwhile.
  const [{ whereIsMyMoney: where, token, exitDelaySeconds }] = useState(escrow)
  if (where === null || token === null) return null
  const refundable = BigInt(where.refundable)
  const date = exitDelaySeconds === null ? '–' : moment(Date.now() + exitDelaySeconds * 1_000)
  const delay = exitDelaySeconds === null ? '–' : span(exitDelaySeconds)
  return (
    <MoneyDialog
      isOpen
      onClose={onClose}
      title={t('money.sessions.close')}
      about={t('money.sessions.closeAbout', { date, delay })}
      action={t('money.sessions.closeAction')}
      isDangerous
      typed={needsTyping(refundable, token.decimals) ? plain(refundable, token.decimals) : undefined}
      isBusy={exit.isPending}
      error={exit.error}
      done={
        exit.data && {
          ...exit.data,
          note: exit.data.readyAt !== null && (
            <p>
              {t('money.sessions.exitingAbout', { date: moment(exit.data.readyAt), amount: tokens(refundable, token) })}
            </p>
          ),
        }
      }
      onConfirm={() => exit.mutate({ body: {} })}
    >
      <Facts
        facts={[
          [t('money.sessions.closeBack'), <b key="back">{tokens(refundable, token)}</b>],
          [t('money.sessions.closeDate'), date],
          [t('money.sessions.closeOwed'), tokens(where.owed, token)],
        ]}
      />
    </MoneyDialog>
  )
}
