import { ReceiptText } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Short } from '../../parts/copy.tsx'
import { dateTime, relative } from '../../parts/format.ts'
import { Empty } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { tokens } from '../shared/amounts.ts'
import type { Escrow } from './screen.tsx'

type Row = Escrow['providers'][number]

/** What was signed to each provider, what it used, and what it has. */
export function Providers({ escrow: { providers, token, epoch } }: { escrow: Escrow }) {
  const { t } = useTranslation()
  if (providers.length === 0) {
    return (
      <Empty icon={ReceiptText} title={t('money.sessions.empty')}>
        {t('money.sessions.emptyAbout')}
      </Empty>
    )
  }
  const amount = (key: string, head: string, of: (row: Row) => string, isSecondary = true): Column<Row> => ({
    key,
    head,
    isNumber: true,
    isSecondary,
    width: 'minmax(6.5rem, 1fr)',
    cell: row => tokens(of(row), token),
  })
  const columns: Column<Row>[] = [
    {
      key: 'provider',
      head: t('money.sessions.provider'),
      width: 'minmax(9.5rem, 1.2fr)',
      cell: row => (
        <div className="grid">
          <Short text={row.provider} ends={4} />
          {row.epoch !== epoch && (
            <span className="text-xs text-muted-foreground">{t('money.sessions.epoch', { epoch: row.epoch })}</span>
          )}
        </div>
      ),
    },
    {
      key: 'models',
      head: t('money.sessions.models'),
      isSecondary: true,
      width: 'minmax(6.5rem, 1.2fr)',
      cell: ({ models }) => <span title={models.join(', ')}>{models.join(', ') || '–'}</span>,
    },
    amount('authorized', t('money.sessions.authorized'), row => row.authorized),
    amount('charged', t('money.sessions.charged'), row => row.charged),
    amount('claimed', t('money.sessions.claimed'), row => row.claimed),
    amount(
      'owed',
      t('money.sessions.owedColumn'),
      ({ authorized, claimed }) => String(BigInt(authorized) - BigInt(claimed)),
      false,
    ),
    {
      key: 'last',
      head: t('money.sessions.last'),
      isSecondary: true,
      isNumber: true,
      width: 'minmax(6.5rem, 0.8fr)',
      cell: ({ lastReceiptAt }) =>
        lastReceiptAt === null ? '–' : <span title={dateTime(lastReceiptAt)}>{relative(lastReceiptAt)}</span>,
    },
  ]
  return (
    <Table
      label={t('money.sessions.title')}
      columns={columns}
      rows={providers}
      keyOf={({ provider, epoch: of }) => `${provider} ${of}`}
    />
  )
}
