import { useTranslation } from 'react-i18next'
import { cn } from '../../parts/class.ts'
import { Card, Section } from '../../parts/page.tsx'
import { tokens } from '../shared/amounts.ts'
import type { Escrow } from './screen.tsx'

/** Where all of it is, in one line, and a bar of what went through the escrow. */
export function Where({ escrow: { whereIsMyMoney: where, token } }: { escrow: Escrow }) {
  const { t } = useTranslation()
  if (where === null || token === null) return null
  const { claimed, owed, refundable } = where
  const said = {
    total: tokens(where.total, token),
    wallet: tokens(where.wallet, token),
    refundable: tokens(refundable, token),
    owed: tokens(owed, token),
    claimed: tokens(claimed, token),
  }
  const parts = [
    { name: t('money.sessions.spent'), amount: claimed, colour: 'bg-muted-foreground' },
    { name: t('money.sessions.owed'), amount: owed, colour: 'bg-warning' },
    { name: t('money.sessions.refundable'), amount: refundable, colour: 'bg-primary' },
  ]
  const whole = parts.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  return (
    <Section title={t('money.sessions.where')}>
      <Card className="grid gap-4">
        <p className="text-base text-balance">
          {BigInt(where.escrow) === 0n && BigInt(owed) === 0n
            ? t('money.sessions.lineNone', said)
            : t('money.sessions.line', said)}
        </p>
        {whole > 0n && (
          <>
            <div
              role="img"
              aria-label={t('money.sessions.bar', said)}
              className="flex h-3 gap-0.5 overflow-hidden rounded-full bg-secondary"
            >
              {parts.map(({ name, amount, colour }) =>
                BigInt(amount) === 0n ? null : (
                  <div
                    key={name}
                    className={cn('min-w-1', colour)}
                    style={{ flexGrow: share(BigInt(amount), whole) }}
                  />
                ),
              )}
            </div>
            <dl className="flex flex-wrap gap-x-8 gap-y-2">
              {parts.map(({ name, amount, colour }) => (
                <div key={name} className="grid gap-0.5">
                  <dt className="flex items-center gap-1.5 text-[0.8125rem] text-muted-foreground">
                    <span aria-hidden className={cn('size-2 rounded-full', colour)} />
                    {name}
                  </dt>
                  <dd className="tabular font-medium">{tokens(amount, token)}</dd>
                </div>
              ))}
            </dl>
          </>
        )}
      </Card>
    </Section>
  )
}

function share(part: bigint, whole: bigint): number {
  return Number((part * 100_000n) / whole) / 100_000
}
