import { Link } from '@tanstack/react-router'
import { Boxes, MessageSquare, Search } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type ModelOffer, type OfferedModel, useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge, Dot } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Code, Copy } from '../../parts/copy.tsx'
import { Input } from '../../parts/field.tsx'
import { useFilters } from '../../parts/filters.ts'
import { compact, duration, number, percent } from '../../parts/format.ts'
import { Page } from '../../parts/page.tsx'
import { Empty, Failed, Waiting } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { calmMs } from '../shared/pace.ts'
import { shortName } from '../shared/short-name.ts'
import { OfferSheet } from './offers.tsx'
import { costOf, isPriced, type ModelSummary, offerPrice, summaryOf } from './summary.ts'

/** What can be asked for. */
export function Screen() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const { data, error, refetch } = useApi('GET /models', {}, { refetchInterval: calmMs })
  const opened = data?.data.find(({ id }) => id === filters.model)
  return (
    <Page title={t('node.models.title')} about={t('node.models.about')}>
      {data === undefined ? (
        error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Waiting rows={8} />
        )
      ) : data.data.length === 0 ? (
        <Nothing />
      ) : (
        <>
          {error && <Failed error={error} onRetry={() => void refetch()} />}
          <Models models={data.data} onOpen={model => change({ model })} />
        </>
      )}
      {opened && <OfferSheet model={opened} onClose={() => change({ model: undefined })} />}
    </Page>
  )
}

const sorts = {
  model: (a: ModelSummary, b: ModelSummary) => (a.model.id < b.model.id ? -1 : 1),
  price: (a: ModelSummary, b: ModelSummary) =>
    (a.cheapest ? costOf(a.cheapest) : 0) - (b.cheapest ? costOf(b.cheapest) : 0),
  ttft: (a: ModelSummary, b: ModelSummary) => unknownLast(a.firstMs, b.firstMs, 1),
  speed: (a: ModelSummary, b: ModelSummary) => unknownLast(a.speed, b.speed, -1),
  uptime: (a: ModelSummary, b: ModelSummary) => unknownLast(a.uptime, b.uptime, -1),
}
type Sort = keyof typeof sorts

function unknownLast(a: number | null, b: number | null, sign: 1 | -1): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  return (a - b) * sign
}

function Models({ models, onOpen }: { models: readonly OfferedModel[]; onOpen: (id: string) => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [sort, setSort] = useState<Sort>('model')
  const columns = useColumns(sort, setSort)
  const rows = useMemo(
    () =>
      models
        .filter(({ id }) => id.toLowerCase().includes(text.trim().toLowerCase()))
        .map(summaryOf)
        .toSorted(sorts[sort]),
    [models, text, sort],
  )
  return (
    <div className="grid gap-3">
      <div className="relative max-w-sm">
        <Search aria-hidden className="absolute inset-y-0 left-3 my-auto size-4 text-muted-foreground" />
        <Input
          aria-label={t('node.models.search')}
          placeholder={t('node.models.search')}
          className="pl-9 max-md:h-11"
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      </div>
      {rows.length === 0 ? (
        <Empty icon={Boxes} title={t('node.models.nothingFits')} />
      ) : (
        <Table
          label={t('node.models.title')}
          rows={rows}
          keyOf={({ model }) => model.id}
          onOpen={({ model }) => onOpen(model.id)}
          columns={columns}
          height="calc(100dvh - 15rem)"
        />
      )}
    </div>
  )
}

function useColumns(sort: Sort, onSort: (sort: Sort) => void): readonly Column<ModelSummary>[] {
  const { t } = useTranslation()
  const sorted = (name: Sort) => ({ sort: sort === name ? ('asc' as const) : null, onSort: () => onSort(name) })
  return [
    {
      key: 'model',
      head: t('node.models.model'),
      width: 'minmax(12rem, 3fr)',
      phone: 'minmax(0, 1fr)',
      ...sorted('model'),
      cell: ({ model, up }) => (
        <span className="flex items-center gap-2">
          <Dot tone={up > 0 ? 'good' : 'bad'} />
          <span className="min-w-0 truncate font-medium" title={model.id}>
            {model.id}
          </span>
          {model.contextLength !== null && (
            <span className="tabular text-xs text-muted-foreground" title={t('node.models.context')}>
              {compact(model.contextLength)}
            </span>
          )}
          {up === 0 && <span className="text-xs text-destructive">{t('node.models.noneUp')}</span>}
        </span>
      ),
    },
    {
      key: 'providers',
      head: t('node.models.providersHead'),
      width: 'minmax(7rem, 1.2fr)',
      isSecondary: true,
      cell: ({ model }) => {
        const names = model.offers.map(({ provider }) => provider)
        return (
          <span title={names.join(', ')}>
            {names.length === 1 ? shortName(names[0]!) : t('node.models.providers', { count: names.length })}
          </span>
        )
      },
    },
    {
      key: 'price',
      head: <span title={t('node.models.priceAbout')}>{t('node.models.price')}</span>,
      width: '7rem',
      phone: '6rem',
      isNumber: true,
      ...sorted('price'),
      cell: ({ cheapest }) => <PriceText offer={cheapest} />,
    },
    {
      key: 'ttft',
      head: <span title={t('node.models.ttftAbout')}>{t('node.models.ttft')}</span>,
      width: '5rem',
      isNumber: true,
      isSecondary: true,
      ...sorted('ttft'),
      cell: ({ firstMs, firstP95Ms }) => (
        <span title={firstP95Ms === null ? undefined : `p95 ${duration(firstP95Ms)}`}>
          {firstMs === null ? '–' : duration(firstMs)}
        </span>
      ),
    },
    {
      key: 'speed',
      head: t('node.models.speed'),
      width: '4.5rem',
      isNumber: true,
      isSecondary: true,
      ...sorted('speed'),
      cell: ({ speed }) => (speed === null ? '–' : number(speed, speed < 10 ? 1 : 0)),
    },
    {
      key: 'uptime',
      head: <span title={t('node.models.uptimeAbout')}>{t('node.models.uptime')}</span>,
      width: '5rem',
      isNumber: true,
      isSecondary: true,
      ...sorted('uptime'),
      cell: ({ uptime }) => (uptime === null ? '–' : percent(uptime, 1)),
    },
    {
      key: 'privacy',
      head: t('node.models.privacy'),
      width: '8.25rem',
      isSecondary: true,
      cell: ({ privacies }) => <Privacy privacies={privacies} />,
    },
    {
      key: 'actions',
      head: <span className="sr-only">{t('node.models.tryIt')}</span>,
      width: '4.75rem',
      phone: '4.75rem',
      cell: ({ model }) => <Actions id={model.id} />,
    },
  ]
}

export function PriceText({ offer }: { offer: ModelOffer | undefined }) {
  const { t } = useTranslation()
  if (offer === undefined || !isPriced(offer)) return <span title={t('node.models.priceUnknown')}>–</span>
  return offerPrice(offer) ?? <span className="text-muted-foreground">{t('node.models.free')}</span>
}

function Privacy({ privacies }: { privacies: ModelSummary['privacies'] }) {
  const { t } = useTranslation()
  const worst = privacies.includes('upstream') ? 'upstream' : privacies.includes('peer') ? 'peer' : 'local'
  return <Badge tone={worst === 'local' ? 'good' : 'neutral'}>{t(`node.privacy.${worst}`)}</Badge>
}

function Actions({ id }: { id: string }) {
  const { t } = useTranslation()
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is pressed is in it; the row shall not open as well
    <span
      className="flex justify-end gap-0.5"
      onClick={event => event.stopPropagation()}
      onKeyDown={event => event.stopPropagation()}
    >
      <Copy text={id} label={t('node.models.copyId')} />
      <Button asChild look="quiet" size="sm" className="px-2">
        <Link
          to="/"
          search={{ model: id } as never}
          title={t('node.models.tryIt')}
          aria-label={`${t('node.models.tryIt')}: ${id}`}
        >
          <MessageSquare aria-hidden />
        </Link>
      </Button>
    </span>
  )
}

function Nothing() {
  const { t } = useTranslation()
  const mayView = useMay('viewer')
  if (!mayView)
    return (
      <Empty icon={Boxes} title={t('node.models.none')}>
        {t('node.models.noneOwn')}
      </Empty>
    )
  return (
    <Empty
      icon={Boxes}
      title={t('node.models.none')}
      action={
        <Button asChild look="primary">
          <Link to={'/node/providers' as '/'}>{t('node.models.addProvider')}</Link>
        </Button>
      }
    >
      <div className="grid gap-3">
        <p>{t('node.models.noneAbout')}</p>
        <Code text={t('node.models.pullExample')} />
      </div>
    </Empty>
  )
}
