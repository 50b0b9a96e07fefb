import { useTranslation } from 'react-i18next'
import { Badge } from '../../parts/badge.tsx'
import { Short } from '../../parts/copy.tsx'
import { Card, Facts, Stat } from '../../parts/page.tsx'
import { Banner } from '../../parts/states.tsx'
import { tokens } from '../shared/amounts.ts'
import { moment } from '../shared/span.ts'
import type { Selling } from './screen.tsx'

/** What stands behind this node, and what it has earned. */
export function Standing({ selling: { registered, totals, token } }: { selling: Selling }) {
  const { t } = useTranslation()
  return (
    <>
      {registered?.exitAt != null && <Exit stake={tokens(registered.stake, token)} exitAt={registered.exitAt} />}
      <div className="grid gap-3 sm:grid-cols-3">
        <Stat
          label={t('money.selling.stake')}
          value={tokens(registered?.stake, token)}
          about={
            registered === null ? (
              <>&nbsp;</>
            ) : registered.exitAt === null ? (
              <Badge tone="good">{t('money.selling.active')}</Badge>
            ) : (
              <Badge tone="warning">{t('money.selling.leaving')}</Badge>
            )
          }
        />
        <Stat label={t('money.selling.owed')} value={tokens(totals.owed, token)} about={t('money.selling.owedAbout')} />
        <Stat
          label={t('money.selling.earned')}
          value={tokens(totals.earned, token)}
          about={t('money.selling.earnedAbout', { claimed: tokens(totals.claimed, token) })}
        />
      </div>
      {registered !== null && (
        <Card>
          <Facts
            facts={[
              [
                t('money.selling.endpoint'),
                <span key="endpoint" className="font-mono text-[0.8125rem] break-all">
                  {registered.endpoint}
                </span>,
              ],
              [t('money.selling.payout'), <Short key="payout" text={registered.payout} />],
              [t('money.selling.signer'), <Short key="signer" text={registered.signer} />],
            ]}
          />
        </Card>
      )}
    </>
  )
}

function Exit({ stake, exitAt }: { stake: string; exitAt: string }) {
  const { t } = useTranslation()
  const isOver = Date.parse(exitAt) <= Date.now()
  return (
    <Banner tone="warning" title={t('money.selling.leaving')}>
      {isOver
        ? t('money.selling.leavingReady', { stake })
        : t('money.selling.leavingAbout', { stake, date: moment(exitAt) })}
    </Banner>
  )
}
