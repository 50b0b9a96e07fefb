import { Tags } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi, useChange } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Section } from '../../parts/page.tsx'
import { Banner, Empty } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { tokens } from '../shared/amounts.ts'
import { MoneyDialog } from '../shared/money-dialog.tsx'
import type { Selling } from './screen.tsx'

type Offer = Selling['offers'][number]

/** What is sold, beside what the registry says of it. */
export function Offers({ selling: { offers, token, registered } }: { selling: Selling }) {
  const { t } = useTranslation()
  const { data: wallet } = useApi('GET /wallet')
  const [isOpen, setIsOpen] = useState(false)
  const mayWrite = useMay('admin') && wallet?.state === 'open' && registered !== null
  const different = offers.filter(({ isListed }) => !isListed).length
  const columns: Column<Offer>[] = [
    {
      key: 'model',
      head: t('money.selling.model'),
      width: 'minmax(10rem, 1.6fr)',
      phone: 'minmax(0, 1.4fr)',
      cell: offer => <Named offer={offer} token={token} />,
    },
    {
      key: 'in',
      head: t('money.selling.priceIn'),
      isNumber: true,
      width: 'minmax(8rem, 1fr)',
      isSecondary: true,
      cell: ({ model, priceIn }) => (model === null ? '–' : tokens(priceIn, token)),
    },
    {
      key: 'out',
      head: t('money.selling.priceOut'),
      isNumber: true,
      width: 'minmax(8rem, 1fr)',
      isSecondary: true,
      cell: ({ model, priceOut }) => (model === null ? '–' : tokens(priceOut, token)),
    },
    {
      key: 'unit',
      head: '',
      isSecondary: true,
      width: 'minmax(9rem, 1fr)',
      cell: ({ unit }) => (
        <span className="text-muted-foreground">
          <Unit unit={unit} />
        </span>
      ),
    },
    {
      key: 'registry',
      head: t('money.selling.registryPrice'),
      isSecondary: true,
      isNumber: true,
      width: 'minmax(10rem, 1.4fr)',
      cell: ({ registry }) =>
        registry === null ? '–' : `${tokens(registry.priceIn, token)} / ${tokens(registry.priceOut, token)}`,
    },
    {
      key: 'state',
      head: <span className="sr-only">{t('money.selling.listed')}</span>,
      width: '6.5rem',
      phone: '6.5rem',
      cell: offer => <Listed offer={offer} />,
    },
  ]
  return (
    <Section title={t('money.selling.offers')} about={t('money.selling.offersAbout')}>
      {different > 0 && registered !== null && (
        <Banner
          tone="warning"
          title={t('money.selling.differ')}
          action={
            mayWrite && (
              <Button size="sm" onClick={() => setIsOpen(true)}>
                {t('money.selling.write')}
              </Button>
            )
          }
        >
          {t('money.selling.differAbout')}
        </Banner>
      )}
      {offers.length === 0 ? (
        <Empty icon={Tags} title={t('money.selling.offersEmpty')}>
          {t('money.selling.offersEmptyAbout')}
        </Empty>
      ) : (
        <Table
          label={t('money.selling.offers')}
          columns={columns}
          rows={offers}
          keyOf={({ modelId, model }) => `${modelId} ${model}`}
        />
      )}
      {isOpen && <WriteOffers count={different} onClose={() => setIsOpen(false)} />}
    </Section>
  )
}

/** On phones with its price, for which there is no column. */
function Named({ offer, token }: { offer: Offer; token: Selling['token'] }) {
  const { t } = useTranslation()
  const { model, modelId, priceIn, priceOut, unit } = offer
  if (model === null) {
    return (
      <span className="text-muted-foreground" title={modelId}>
        {modelId.slice(0, 12)}… {t('money.selling.gone')}
      </span>
    )
  }
  return (
    <>
      <span title={model}>{model}</span>
      <span className="block truncate text-xs text-muted-foreground md:hidden">
        {tokens(priceIn, token)} / {tokens(priceOut, token)} <Unit unit={unit} />
      </span>
    </>
  )
}

const unitNames = ['tokens', 'images', 'seconds', 'characters'] as const

/** A unit nobody has named here is said as it is. */
function Unit({ unit }: Pick<Offer, 'unit'>) {
  const { t } = useTranslation()
  const known = unitNames.find(name => name === unit)
  return known === undefined ? unit : t(`money.selling.perUnit.${known}`)
}

function Listed({ offer: { isListed, registry } }: { offer: Offer }) {
  const { t } = useTranslation()
  if (isListed) return <Badge tone="good">{t('money.selling.same')}</Badge>
  return <Badge tone="warning">{t(registry === null ? 'money.selling.missing' : 'money.selling.different')}</Badge>
}

function WriteOffers({ count, onClose }: { count: number; onClose: () => void }) {
  const { t } = useTranslation()
  const write = useChange('POST /selling/offers', ['/selling', '/network', '/wallet'])
  return (
    <MoneyDialog
      isOpen
      onClose={onClose}
      title={t('money.selling.writeTitle')}
      about={t('money.selling.writeAbout', { count })}
      action={t('money.selling.writeAction')}
      isBusy={write.isPending}
      error={write.error}
      done={write.data}
      onConfirm={() => write.mutate({ body: {} })}
    />
  )
}
