import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, useApi } from '../../client/api.ts'
import { Page } from '../../parts/page.tsx'
import { Failed, Waiting } from '../../parts/states.tsx'
import { ChainBanner } from '../shared/chain-banner.tsx'
import { Actions } from './actions.tsx'
import { Offers } from './offers.tsx'
import { Payers } from './payers.tsx'
import { RegisterDialog } from './register.tsx'
import { Standing } from './standing.tsx'
import { NotProvider, NotRegistered } from './unregistered.tsx'

export type Selling = Answer<'GET /selling'>

const everyMs = 15_000

export function Screen() {
  const { t } = useTranslation()
  const { data, error, refetch } = useApi('GET /selling', {}, { refetchInterval: everyMs })
  return (
    <Page
      title={t('money.selling.title')}
      about={t('money.selling.about')}
      actions={data && <Actions selling={data} />}
    >
      {data === undefined && (error ? <Failed error={error} onRetry={() => void refetch()} /> : <Waiting rows={8} />)}
      {data !== undefined && <Content selling={data} />}
    </Page>
  )
}

function Content({ selling }: { selling: Selling }) {
  const { data: wallet } = useApi('GET /wallet')
  const [isRegistering, setIsRegistering] = useState(false)
  const isSeller = selling.enabled || selling.registered !== null || selling.payers.length > 0
  return (
    <>
      <ChainBanner chain={selling.chain} />
      {!selling.enabled && <NotProvider selling={selling} />}
      {selling.enabled && selling.registered === null && (
        <NotRegistered selling={selling} onRegister={() => setIsRegistering(true)} />
      )}
      {isRegistering && wallet?.balances && (
        <RegisterDialog selling={selling} balances={wallet.balances} onClose={() => setIsRegistering(false)} />
      )}
      {isSeller && (
        <>
          <Standing selling={selling} />
          <Offers selling={selling} />
          <Payers selling={selling} />
        </>
      )}
    </>
  )
}
