import { useTranslation } from 'react-i18next'
import { useChange } from '../../client/api.ts'
import { Banner } from '../../parts/states.tsx'
import { coins, tokens } from '../shared/amounts.ts'
import { MoneyDialog } from '../shared/money-dialog.tsx'
import type { Selling } from './screen.tsx'

export function ClaimDialog({ selling, onClose }: { selling: Selling; onClose: () => void }) {
  const { t } = useTranslation()
  const claim = useChange('POST /selling/claim', ['/selling', '/wallet', '/status'])
  const { totals, token, gasEstimate } = selling
  const { data } = claim
  const passed = [...new Set(data?.rows.flatMap(({ reason }) => (reason === null ? [] : [reason])))]
  const note = data && (
    <div className="grid gap-2">
      <p>{t('money.selling.claimed', { amount: tokens(data.paid, token) })}</p>
      {passed.map(reason => (
        <p key={reason} className="text-muted-foreground">
          {t('money.selling.passedOver', { reason })}
        </p>
      ))}
      {data.failure !== null && <Banner tone="warning">{data.failure}</Banner>}
    </div>
  )
  return (
    <MoneyDialog
      isOpen
      onClose={onClose}
      title={t('money.selling.claimTitle')}
      about={t('money.selling.claimAbout', { amount: tokens(totals.owed, token) })}
      action={t('money.selling.claim')}
      isBusy={claim.isPending}
      error={claim.error}
      done={data && { transaction: data.transaction, note }}
      onConfirm={() => claim.mutate({ body: {} })}
    >
      {gasEstimate !== null && (
        <p className="text-muted-foreground">{t('money.selling.claimGas', { gas: coins(gasEstimate) })}</p>
      )}
    </MoneyDialog>
  )
}
