import { ArrowDownToLine } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { type Answer, useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Page } from '../../parts/page.tsx'
import { Failed, Waiting } from '../../parts/states.tsx'
import { AdminOnly } from '../shared/admin-only.tsx'
import { tokens } from '../shared/amounts.ts'
import { ChainBanner } from '../shared/chain-banner.tsx'
import { Deposit } from '../shared/deposit.tsx'
import { Account, Balances } from './account.tsx'
import { Backup } from './backup.tsx'
import { Caps } from './caps.tsx'
import { Faucet } from './faucet.tsx'
import { Lacks } from './lacks.tsx'
import { NoWallet } from './no-wallet.tsx'
import { Others } from './others.tsx'
import { Unlock } from './unlock.tsx'

export type Wallet = Answer<'GET /wallet'>

const awaitedMs = 4_000
const usualMs = 15_000

export function Screen() {
  const { t } = useTranslation()
  const { data, error, refetch } = useApi('GET /wallet', {}, { refetchInterval: ({ state }) => pace(state.data) })
  useArrivals(data)
  const [isDepositing, setIsDepositing] = useState(false)
  const mayMove = useMay('admin') && data?.state === 'open'
  const hasTokens = data?.balances != null && BigInt(data.balances.wallet) > 0n
  return (
    <Page
      title={t('money.wallet.title')}
      about={t('money.wallet.about')}
      actions={
        data?.state !== 'open' ? undefined : !mayMove ? (
          <AdminOnly />
        ) : (
          <>
            {data.faucet && <Faucet />}
            {data.token && data.balances && (
              <Button look="primary" disabled={!hasTokens} onClick={() => setIsDepositing(true)}>
                <ArrowDownToLine aria-hidden />
                {t('money.deposit.action')}
              </Button>
            )}
          </>
        )
      }
    >
      {data === undefined && (error ? <Failed error={error} onRetry={() => void refetch()} /> : <Waiting rows={8} />)}
      {data !== undefined && <Content wallet={data} onDeposit={() => setIsDepositing(true)} />}
      {data?.token && data.balances && (
        <Deposit
          isOpen={isDepositing}
          onClose={() => setIsDepositing(false)}
          token={data.token}
          balances={data.balances}
        />
      )}
    </Page>
  )
}

function Content({ wallet, onDeposit }: { wallet: Wallet; onDeposit: () => void }) {
  return (
    <>
      <ChainBanner chain={wallet.chain} />
      {wallet.state === 'none' ? (
        <NoWallet />
      ) : (
        <>
          {wallet.state === 'locked' && <Unlock />}
          <Backup wallet={wallet} />
          <Lacks wallet={wallet} onDeposit={onDeposit} />
          <Balances wallet={wallet} />
          <div className="grid items-start gap-5 lg:grid-cols-2">
            <Account wallet={wallet} />
            <Caps wallet={wallet} />
          </div>
        </>
      )}
      <Others others={wallet.others} />
    </>
  )
}

/** Who waits for money should not have to reload. */
function pace(wallet: Wallet | undefined): number {
  const { balances } = wallet ?? {}
  const isAwaited = balances != null && (BigInt(balances.gas) === 0n || BigInt(balances.wallet) === 0n)
  return isAwaited ? awaitedMs : usualMs
}

/** Says so when money has come while one looks. */
function useArrivals(wallet: Wallet | undefined): void {
  const { t } = useTranslation()
  const last = useRef<{ address: string | null; sum: bigint }>(undefined)
  useEffect(() => {
    if (!wallet?.balances) return
    const { address, balances, token } = wallet
    const sum = BigInt(balances.wallet) + BigInt(balances.escrow) + BigInt(balances.reserved)
    const before = last.current
    last.current = { address, sum }
    if (before?.address === address && sum > before.sum) {
      toast.success(t('money.wallet.arrived', { amount: tokens(sum - before.sum, token) }))
    }
  }, [wallet, t])
}
