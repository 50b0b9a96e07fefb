import { ArrowDownToLine } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Page } from '../../parts/page.tsx'
import { Banner, Failed, Waiting } from '../../parts/states.tsx'
import { AdminOnly } from '../shared/admin-only.tsx'
import { tokens } from '../shared/amounts.ts'
import { ChainBanner } from '../shared/chain-banner.tsx'
import { Deposit } from '../shared/deposit.tsx'
import { CloseAccount } from './close.tsx'
import { Leaving } from './leaving.tsx'
import { Providers } from './providers.tsx'
import { Silent } from './silent.tsx'
import { Where } from './where.tsx'

export type Escrow = Answer<'GET /escrow'>

const everyMs = 10_000

export function Screen() {
  const { t } = useTranslation()
  const { data, error, refetch } = useApi('GET /escrow', {}, { refetchInterval: everyMs })
  const { data: wallet } = useApi('GET /wallet', {}, { refetchInterval: everyMs })
  const [open, setOpen] = useState<'deposit' | 'close'>()
  const mayMove = useMay('admin') && wallet?.state === 'open'
  const close = () => setOpen(undefined)
  return (
    <Page
      title={t('money.sessions.title')}
      about={t('money.sessions.about')}
      actions={
        wallet?.state !== 'open' ? undefined : !mayMove ? (
          <AdminOnly />
        ) : (
          <>
            {data?.state === 'open' && <Button onClick={() => setOpen('close')}>{t('money.sessions.close')}</Button>}
            {(data?.state === 'open' || data?.state === 'closed') && wallet.token && wallet.balances && (
              <Button
                look="primary"
                disabled={BigInt(wallet.balances.wallet) === 0n}
                onClick={() => setOpen('deposit')}
              >
                <ArrowDownToLine aria-hidden />
                {t('money.deposit.action')}
              </Button>
            )}
          </>
        )
      }
    >
      {data === undefined && (error ? <Failed error={error} onRetry={() => void refetch()} /> : <Waiting rows={8} />)}
      {data !== undefined && <Content escrow={data} />}
      {wallet?.token && wallet.balances && (
        <Deposit isOpen={open === 'deposit'} onClose={close} token={wallet.token} balances={wallet.balances} />
      )}
      {open === 'close' && data !== undefined && <CloseAccount escrow={data} onClose={close} />}
    </Page>
  )
}

function Content({ escrow }: { escrow: Escrow }) {
  const { t } = useTranslation()
  const { whereIsMyMoney: where, token, isOurs } = escrow
  const uncovered = BigInt(where?.uncovered ?? 0)
  return (
    <>
      <ChainBanner chain={escrow.chain} />
      {isOurs === false && (
        <Banner tone="warning" title={t('money.sessions.notOurs')}>
          {t('money.sessions.notOursAbout')}
        </Banner>
      )}
      {uncovered > 0n && (
        <Banner tone="warning" title={t('money.sessions.uncovered')}>
          {t('money.sessions.uncoveredAbout', { amount: tokens(uncovered, token) })}
        </Banner>
      )}
      <Where escrow={escrow} />
      <Leaving escrow={escrow} />
      <Silent escrow={escrow} />
      <Providers escrow={escrow} />
    </>
  )
}
