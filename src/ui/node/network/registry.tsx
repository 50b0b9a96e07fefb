import { Network as NetworkIcon, Search } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Network, type Reach } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge, Dot } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Short } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Input } from '../../parts/field.tsx'
import { dateTime, duration, number, relative, units } from '../../parts/format.ts'
import { Facts, Section } from '../../parts/page.tsx'
import { Empty } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { leastPrice } from './prices.ts'
import type { Reaches } from './screen.tsx'

export type Row = Network['providers'][number]

export const stateTones = {
  up: 'good',
  failing: 'bad',
  unknown: 'neutral',
  leaving: 'warning',
  unwanted: 'neutral',
  self: 'accent',
} as const

interface Props {
  network: Network
  reaches: Reaches
  onReach: (provider: string, reach: Reach | 'busy') => void
}

/** Everybody in the registry, those with most at stake first. */
export function Registry({ network, reaches, onReach }: Props) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [opened, setOpened] = useState<Row>()
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase()
    return network.providers.filter(({ provider, peerId, models }) =>
      [provider, peerId, ...models.map(({ id }) => id)].some(name => name.toLowerCase().includes(wanted)),
    )
  }, [network.providers, text])
  const columns = useColumns(network, reaches, onReach)
  return (
    <Section title={t('node.network.registry')} about={t('node.network.registryAbout', { count: network.total })}>
      {network.providers.length === 0 ? (
        <Empty icon={NetworkIcon} title={t('node.network.noProviders')}>
          {t('node.network.noProvidersAbout')}
        </Empty>
      ) : (
        <>
          <div className="relative max-w-sm">
            <Search aria-hidden className="absolute inset-y-0 left-3 my-auto size-4 text-muted-foreground" />
            <Input
              aria-label={t('node.network.search')}
              placeholder={t('node.network.search')}
              className="pl-9 max-md:h-11"
              value={text}
              onChange={({ target }) => setText(target.value)}
            />
          </div>
          {rows.length === 0 ? (
            <Empty icon={NetworkIcon} title={t('node.network.nothingFits')} />
          ) : (
            <Table
              label={t('node.network.registry')}
              rows={rows}
              keyOf={({ provider }) => provider}
              columns={columns}
              onOpen={setOpened}
              height="36rem"
            />
          )}
        </>
      )}
      {opened && <ProviderSheet row={opened} network={network} onClose={() => setOpened(undefined)} />}
    </Section>
  )
}

function useColumns(network: Network, reaches: Reaches, onReach: Props['onReach']): readonly Column<Row>[] {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const { token } = network
  return [
    {
      key: 'provider',
      head: t('node.network.provider'),
      width: 'minmax(8.5rem, 1.4fr)',
      phone: 'minmax(0, 1fr)',
      cell: ({ provider, state }) => (
        <span className="flex items-center gap-2">
          <Dot tone={stateTones[state]} />
          <span title={provider} className="truncate font-mono text-[0.8125rem]">
            {provider.slice(0, 8)}…{provider.slice(-6)}
          </span>
        </span>
      ),
    },
    {
      key: 'state',
      head: t('node.network.state'),
      width: '6.5rem',
      phone: '4.75rem',
      cell: ({ state }) => <Badge tone={stateTones[state]}>{t(`node.network.states.${state}`)}</Badge>,
    },
    {
      key: 'stake',
      head: t('node.network.stake'),
      isNumber: true,
      isSecondary: true,
      width: '6.5rem',
      cell: ({ stake }) => (token === null ? stake : units(stake, token.decimals, token.symbol)),
    },
    {
      key: 'models',
      head: t('node.network.models'),
      isSecondary: true,
      width: 'minmax(6.5rem, 1.6fr)',
      cell: ({ models }) => {
        const names = models.map(({ id }) => id).join(', ')
        return <span title={names}>{names || '–'}</span>
      },
    },
    {
      key: 'price',
      head: t('node.network.price'),
      isNumber: true,
      isSecondary: true,
      width: '7.5rem',
      cell: row => leastPrice(row, token) ?? '–',
    },
    {
      key: 'age',
      head: t('node.network.age'),
      isSecondary: true,
      width: '6.5rem',
      cell: ({ learnedAt }) =>
        learnedAt === null ? '–' : <time title={dateTime(learnedAt)}>{relative(learnedAt)}</time>,
    },
    {
      key: 'reach',
      head: t('node.network.reach'),
      width: 'minmax(8rem, 1fr)',
      phone: '7rem',
      cell: row =>
        row.self ? (
          '–'
        ) : (
          <ReachCell row={row} reach={reaches[row.provider]} onReach={mayOperate ? onReach : undefined} />
        ),
    },
  ]
}

interface ReachProps {
  row: Row
  reach: Reach | 'busy' | undefined
  onReach: Props['onReach'] | undefined
}

function ReachCell({ row: { provider }, reach, onReach }: ReachProps) {
  const { t } = useTranslation()
  const test = async () => {
    onReach?.(provider, 'busy')
    try {
      onReach?.(provider, await api('POST /network/:provider/reach', { params: { provider }, body: {} }))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      onReach?.(provider, { ok: false, ms: 0, error: { code: 'failed', message } })
    }
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is pressed is the button in it; the row shall not open as well
    <span
      className="flex items-center gap-2 max-md:flex-wrap"
      onClick={event => event.stopPropagation()}
      onKeyDown={event => event.stopPropagation()}
    >
      {onReach && (
        <Button
          size="sm"
          isBusy={reach === 'busy'}
          aria-label={`${t('node.network.reachTest')}: ${provider}`}
          onClick={() => void test()}
        >
          {t('node.network.reachTest')}
        </Button>
      )}
      {reach !== undefined && reach !== 'busy' && (
        <span role="status" title={reach.error?.message} className={reach.ok ? 'text-success' : 'text-destructive'}>
          {reach.ok ? t('node.network.reached', { ms: duration(Math.round(reach.ms)) }) : t('node.network.notReached')}
        </span>
      )}
    </span>
  )
}

function ProviderSheet({ row, network: { token }, onClose }: { row: Row; network: Network; onClose: () => void }) {
  const { t } = useTranslation()
  const amount = (value: string | undefined) =>
    value === undefined ? '0' : token === null ? value : units(value, token.decimals)
  return (
    <Dialog isOpen onClose={onClose} shape="sheet" title={<Short text={row.provider} ends={8} />}>
      <div className="grid gap-5">
        <Facts
          facts={[
            [
              t('node.network.state'),
              <Badge key="state" tone={stateTones[row.state]}>
                {t(`node.network.states.${row.state}`)}
              </Badge>,
            ],
            [t('node.network.stake'), token === null ? row.stake : units(row.stake, token.decimals, token.symbol)],
            row.exitAt === null
              ? null
              : [t('node.network.state'), t('node.network.exits', { when: dateTime(row.exitAt) })],
            [t('node.network.peerId'), <Short key="peer" text={row.peerId} />],
            [t('node.network.endpoint'), <Short key="endpoint" text={row.endpoint} ends={16} />],
            [t('node.network.offers'), number(row.offers)],
            [t('node.network.age'), row.learnedAt === null ? '–' : dateTime(row.learnedAt)],
            row.error === null ? null : [t('node.network.error'), `${row.error.message} (${row.error.code})`],
          ]}
        />
        <Table
          label={t('node.network.models')}
          rows={row.models}
          keyOf={({ id }) => id}
          columns={[
            {
              key: 'id',
              head: t('node.network.models'),
              width: 'minmax(8rem, 2fr)',
              cell: ({ id }) => <span title={id}>{id}</span>,
            },
            {
              key: 'price',
              head: `${t('node.network.price')} ${token?.symbol ?? ''}`,
              isNumber: true,
              width: 'minmax(8rem, 1fr)',
              cell: ({ pricing }) =>
                pricing === null ? '–' : `${amount(pricing.prompt)} / ${amount(pricing.completion)}`,
            },
          ]}
        />
      </div>
    </Dialog>
  )
}
