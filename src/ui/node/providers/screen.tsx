import { Link } from '@tanstack/react-router'
import { Plus, ServerCog } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type OfferedModel, type Provider, type Status, useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { Empty, Failed, Waiting } from '../../parts/states.tsx'
import { offerPrice } from '../models/summary.ts'
import { quickMs } from '../shared/pace.ts'
import { StoreBanner } from '../shared/store-banner.tsx'
import { FileCard, ProviderCard, type Seen, SeenCard } from './card.tsx'
import { AddWizard } from './wizard.tsx'

/** Who answers. */
export function Screen() {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const [isAdding, setIsAdding] = useState(false)
  const stored = useApi('GET /providers', { query: { limit: 200 } }, { refetchInterval: quickMs })
  const { data: status } = useApi('GET /status', {}, { refetchInterval: quickMs })
  const { data: models } = useApi('GET /models', {}, { refetchInterval: quickMs })
  const add = mayOperate && (
    <Button look="primary" onClick={() => setIsAdding(true)}>
      <Plus aria-hidden />
      {t('node.providers.add')}
    </Button>
  )
  const upstreams = status?.upstreams ?? []
  const taken = [...(stored.data?.data ?? []), ...upstreams].map(({ name }) => name)
  const shown = upstreams.flatMap(({ name, kind }) => (kind === 'local' ? [] : [name]))
  return (
    <Page title={t('node.providers.title')} about={t('node.providers.about')} actions={add}>
      <StoreBanner />
      {stored.data === undefined ? (
        stored.error ? (
          <Failed error={stored.error} onRetry={() => void stored.refetch()} />
        ) : (
          <Waiting rows={6} />
        )
      ) : (
        <>
          <Services stored={stored.data.data} upstreams={upstreams} add={add} />
          <Others models={models?.data ?? []} kind="local" known={shown} />
          <Others models={models?.data ?? []} kind="peer" known={shown} />
        </>
      )}
      {isAdding && <AddWizard taken={taken} onClose={() => setIsAdding(false)} />}
    </Page>
  )
}

const grid = 'grid gap-3 md:grid-cols-2 xl:grid-cols-3'

interface ServicesProps {
  stored: readonly Provider[]
  upstreams: Status['upstreams']
  add: React.ReactNode
}

function Services({ stored, upstreams, add }: ServicesProps) {
  const { t } = useTranslation()
  const given = upstreams.filter(({ source, kind }) => source !== 'store' && kind !== 'local')
  const services = stored.filter(({ type }) => type !== 'web')
  const pages = stored.filter(({ type }) => type === 'web')
  return (
    <>
      <Section title={t('node.providers.sections.api')}>
        {services.length + given.length === 0 ? (
          <Empty icon={ServerCog} title={t('node.providers.none')} action={add}>
            {t('node.providers.noneAbout')}
          </Empty>
        ) : (
          <ul className={grid}>
            {services.map(provider => (
              <li key={provider.id}>
                <ProviderCard provider={provider} />
              </li>
            ))}
            {given.map(seen => (
              <li key={seen.name}>
                <FileCard seen={seen} source={seen.source === 'file' ? 'file' : 'code'} />
              </li>
            ))}
          </ul>
        )}
      </Section>
      {pages.length > 0 && (
        <Section title={t('node.providers.sections.web')}>
          <ul className={grid}>
            {pages.map(provider => (
              <li key={provider.id}>
                <ProviderCard provider={provider} />
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  )
}

interface OthersProps {
  models: readonly OfferedModel[]
  kind: 'local' | 'peer'
  known: readonly string[]
}

/** Those nobody set up by hand: what runs here, and who sells. */
function Others({ models, kind, known }: OthersProps) {
  const { t } = useTranslation()
  const found = seenOf(models, kind).filter(({ name }) => !known.includes(name))
  if (found.length === 0 && kind === 'local') return null
  return (
    <Section title={t(`node.providers.sections.${kind}`)}>
      {found.length === 0 ? (
        <p className="flex flex-wrap items-center gap-3 text-muted-foreground">
          {t('node.providers.peersNone')}
          <Link to={'/node/network' as '/'} className="text-primary underline">
            {t('node.providers.toNetwork')}
          </Link>
        </p>
      ) : (
        <ul className={grid}>
          {found.map(({ price, ...seen }) => (
            <li key={seen.name}>
              <SeenCard
                seen={{ ...seen, kind: t(`node.kinds.${kind}`) }}
                facts={[price === undefined ? null : [t('node.providers.price'), price]]}
              />
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}

function seenOf(models: readonly OfferedModel[], kind: OthersProps['kind']): (Seen & { price?: string })[] {
  const found = new Map<string, Seen & { price?: string }>()
  for (const { id, offers } of models) {
    for (const offer of offers) {
      if (offer.kind !== kind) continue
      const before = found.get(offer.provider)
      const price = before?.price ?? offerPrice(offer)
      found.set(offer.provider, {
        name: offer.provider,
        kind,
        state: offer.state,
        running: offer.running,
        models: [...(before?.models ?? []), id],
        ...(price !== undefined && { price }),
      })
    }
  }
  return [...found.values()]
}
