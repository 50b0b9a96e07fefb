import { HandCoins } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { AdminOnly } from '../shared/admin-only.tsx'
import { ClaimDialog } from './claim.tsx'
import { LeaveDialog } from './leave.tsx'
import type { Selling } from './screen.tsx'
import { StakeDialog } from './stake.tsx'

/** What a provider does with its money. */
export function Actions({ selling }: { selling: Selling }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState<'claim' | 'stake' | 'leave'>()
  const { data: wallet } = useApi('GET /wallet')
  const mayMove = useMay('admin') && wallet?.state === 'open'
  const { registered, totals } = selling
  if (!mayMove) return registered === null ? null : <AdminOnly />
  const close = () => setOpen(undefined)
  const isOver = registered?.exitAt != null && Date.parse(registered.exitAt) <= Date.now()
  const isLeaving = registered?.exitAt != null
  return (
    <>
      {registered && (!isLeaving || isOver) && (
        <Button onClick={() => setOpen('leave')}>
          {t(isOver ? 'money.selling.takeStake' : 'money.selling.leave')}
        </Button>
      )}
      {registered && !isLeaving && <Button onClick={() => setOpen('stake')}>{t('money.selling.stakeAdd')}</Button>}
      {(registered !== null || BigInt(totals.owed) > 0n) && (
        <Button look="primary" disabled={BigInt(totals.owed) === 0n} onClick={() => setOpen('claim')}>
          <HandCoins aria-hidden />
          {t('money.selling.claim')}
        </Button>
      )}
      {open === 'claim' && <ClaimDialog selling={selling} onClose={close} />}
      {open === 'leave' && <LeaveDialog selling={selling} onClose={close} />}
      {open === 'stake' && wallet.balances && (
        <StakeDialog selling={selling} balances={wallet.balances} onClose={close} />
      )}
    </>
  )
}
