import { useTranslation } from 'react-i18next'
import { Copy, Short } from '../../parts/copy.tsx'
import { Card, Facts, Section, Stat } from '../../parts/page.tsx'
import { Qr } from '../../parts/qr.tsx'
import { coins, tokens } from '../shared/amounts.ts'
import type { Wallet } from './screen.tsx'

/** Where money is sent to. */
export function Account({ wallet: { address, chain, token, name } }: { wallet: Wallet }) {
  const { t } = useTranslation()
  if (address === null) return null
  return (
    <Section title={t('money.wallet.address')}>
      <Card className="grid gap-4">
        <div className="flex flex-wrap items-start gap-4">
          <Qr text={address} label={t('money.wallet.qr')} size={132} />
          <div className="grid min-w-0 flex-1 basis-52 gap-2">
            <div className="flex items-start gap-1">
              <span className="min-w-0 py-1 font-mono text-[0.8125rem] break-all">{address}</span>
              <Copy text={address} />
            </div>
            {chain && token && (
              <p className="text-[0.8125rem] text-muted-foreground">
                {t('money.wallet.onlyOn', { chain: `${chain.name} (${chain.id})`, symbol: token.symbol })}
              </p>
            )}
          </div>
        </div>
        <Facts
          facts={[
            [t('money.wallet.name'), name ?? t('money.wallet.fromConfig')],
            chain && [
              t('money.chain.network'),
              t('money.chain.block', { name: chain.name, block: chain.blockNumber ?? '–' }),
            ],
            token && [
              t('money.token'),
              <span key="token" className="flex flex-wrap items-center gap-x-2">
                {token.symbol} <Short text={token.address} />
              </span>,
            ],
          ]}
        />
      </Card>
    </Section>
  )
}

/** What there is, to the last digit. */
export function Balances({ wallet: { balances, token } }: { wallet: Wallet }) {
  const { t } = useTranslation()
  if (balances === null) return null
  const { wallet, escrow, reserved, gas } = balances
  const free = t('money.wallet.inEscrowAbout')
  return (
    <div className="grid gap-3 sm:grid-cols-3">
      <Stat label={t('money.wallet.inWallet')} value={tokens(wallet, token)} about={t('money.wallet.inWalletAbout')} />
      <Stat
        label={t('money.wallet.inEscrow')}
        value={tokens(escrow, token)}
        about={BigInt(reserved) > 0n ? t('money.wallet.reserved', { amount: tokens(reserved, token) }) : free}
      />
      <Stat label={t('money.wallet.gas')} value={coins(gas)} about={t('money.wallet.gasAbout')} />
    </div>
  )
}
