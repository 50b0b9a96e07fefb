import { Stethoscope } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Reach, useApi } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { Code } from '../../parts/copy.tsx'
import { useFilters } from '../../parts/filters.ts'
import { Page, Section } from '../../parts/page.tsx'
import { Banner, Failed, Waiting } from '../../parts/states.tsx'
import { DoctorSheet } from '../doctor/sheet.tsx'
import { calmMs } from '../shared/pace.ts'
import { ChainCard, PeerCard } from './cards.tsx'
import { NetworkMap } from './map.tsx'
import { Registry } from './registry.tsx'
import { disagreementOf } from './rpc.ts'

/** What dialling a provider has brought, as long as the page is open. */
export type Reaches = Readonly<Record<string, Reach | 'busy'>>

export function Screen() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const { data, error, refetch } = useApi('GET /network', {}, { refetchInterval: calmMs })
  const [reaches, setReaches] = useState<Reaches>({})
  const note = (provider: string, reach: Reach | 'busy') => setReaches(known => ({ ...known, [provider]: reach }))
  return (
    <Page
      title={t('node.network.title')}
      about={t('node.network.about')}
      actions={
        <Button onClick={() => change({ doctor: '1' })}>
          <Stethoscope aria-hidden />
          {t('node.network.check')}
        </Button>
      }
    >
      {data === undefined ? (
        error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Waiting rows={8} />
        )
      ) : (
        <>
          {error && <Failed error={error} onRetry={() => void refetch()} />}
          <ChainBanner network={data} />
          <div className="grid gap-3 lg:grid-cols-2">
            <ChainCard network={data} />
            <PeerCard network={data} />
          </div>
          {data.chain !== null && data.providers.length > 0 && (
            <Section title={t('node.network.map')} about={t('node.network.mapAbout')}>
              <NetworkMap network={data} reaches={reaches} />
            </Section>
          )}
          {data.chain !== null && <Registry network={data} reaches={reaches} onReach={note} />}
        </>
      )}
      <DoctorSheet isOpen={filters.doctor !== undefined} onClose={() => change({ doctor: undefined })} />
    </Page>
  )
}

function ChainBanner({ network: { chain, rpc } }: { network: Parameters<typeof ChainCard>[0]['network'] }) {
  const { t } = useTranslation()
  if (chain === null) {
    return (
      <Banner title={t('node.network.none')}>
        <div className="grid gap-2">
          <p className="max-w-prose">{t('node.network.noneAbout')}</p>
          <Code text={t('node.network.noneExample')} />
        </div>
      </Banner>
    )
  }
  if (rpc.length > 0 && rpc.every(({ error }) => error !== null)) {
    return (
      <Banner tone="bad" title={t('node.network.down')}>
        {t('node.network.downAbout')} {chain.error}
      </Banner>
    )
  }
  if (chain.isStale || chain.error !== null) {
    return (
      <Banner tone="warning" title={`${t('node.network.chain')} ${chain.id} ${t('node.network.behind')}`}>
        {t('node.network.behindAbout')} {chain.error}
      </Banner>
    )
  }
  const blocks = disagreementOf(rpc)
  if (blocks === undefined) return null
  return (
    <Banner tone="warning" title={t('node.network.rpcDisagree')}>
      {t('node.network.rpcDisagreeAbout', { count: blocks })}
    </Banner>
  )
}
