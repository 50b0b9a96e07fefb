import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, useChange } from '../../client/api.ts'
import { Field, Input } from '../../parts/field.tsx'
import { Card, Facts } from '../../parts/page.tsx'
import { AmountField } from '../shared/amount-field.tsx'
import { coins, needsTyping, parseAmount, plain, tokens } from '../shared/amounts.ts'
import { MoneyDialog } from '../shared/money-dialog.tsx'
import { span } from '../shared/span.ts'
import type { Selling } from './screen.tsx'

interface RegisterProps {
  selling: Selling
  balances: NonNullable<Answer<'GET /wallet'>['balances']>
  onClose: () => void
}

export function RegisterDialog({ selling: { token, terms }, balances, onClose }: RegisterProps) {
  const { t } = useTranslation()
  const min = BigInt(terms?.minStake ?? 0)
  const [text, setText] = useState(() => (token === null ? '' : plain(min, token.decimals)))
  const [endpoint, setEndpoint] = useState('')
  const register = useChange('POST /selling/register', ['/selling', '/wallet', '/status', '/network'])
  if (token === null) return null
  const max = BigInt(balances.wallet)
  const stake = parseAmount(text, token.decimals)
  const isFine = stake !== undefined && stake >= min && stake <= max
  const tooLittle =
    stake !== undefined && stake < min ? t('money.selling.stakeUnder', { min: tokens(min, token) }) : undefined
  const send = () => {
    if (stake === undefined) return
    const body = { stake: plain(stake, token.decimals), ...(endpoint.trim() !== '' && { endpoint: endpoint.trim() }) }
    register.mutate({ body })
  }
  return (
    <MoneyDialog
      isOpen
      onClose={onClose}
      title={t('money.selling.registerTitle')}
      about={t('money.selling.registerAbout')}
      action={t('money.selling.register')}
      typed={isFine && needsTyping(stake, token.decimals) ? plain(stake, token.decimals) : undefined}
      isReady={isFine}
      isBusy={register.isPending}
      error={register.error}
      done={register.data}
      onConfirm={send}
    >
      <AmountField
        label={t('money.selling.stakeAmount')}
        hint={t('money.selling.stakeHint', { min: tokens(min, token) })}
        error={tooLittle}
        token={token}
        max={max}
        value={text}
        onChange={setText}
      />
      <Field label={t('money.selling.endpoint')} hint={t('money.selling.endpointHint')}>
        <Input
          className="font-mono text-[0.8125rem]"
          placeholder="/dns4/node.example.org/tcp/4001"
          value={endpoint}
          onChange={event => setEndpoint(event.target.value)}
        />
      </Field>
      <Card className="grid gap-2 bg-muted">
        <p className="font-medium">{t('money.selling.preview')}</p>
        <Facts
          facts={[
            [t('money.selling.previewStake'), tokens(stake ?? null, token)],
            terms && [
              t('money.selling.previewBack'),
              t('money.selling.previewBackAbout', { days: span(terms.unbondingSeconds) }),
            ],
            [t('money.selling.previewGas'), t('money.gasHint', { gas: coins(balances.gas) })],
          ]}
        />
      </Card>
    </MoneyDialog>
  )
}
