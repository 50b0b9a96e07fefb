import { Users } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Short } from '../../parts/copy.tsx'
import { Section } from '../../parts/page.tsx'
import { Empty } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { tokens } from '../shared/amounts.ts'
import type { Selling } from './screen.tsx'

type Payer = Selling['payers'][number]

/** Who has signed what, and what of it is not claimed yet. */
export function Payers({ selling: { payers, token } }: { selling: Selling }) {
  const { t } = useTranslation()
  const amount = (key: 'charged' | 'claimed' | 'owed', head: string): Column<Payer> => ({
    key,
    head,
    isNumber: true,
    isSecondary: key !== 'owed',
    cell: row => tokens(row[key], token),
  })
  const columns: Column<Payer>[] = [
    {
      key: 'payer',
      head: t('money.selling.payer'),
      width: 'minmax(11rem, 1.4fr)',
      cell: ({ payer }) => <Short text={payer} ends={4} />,
    },
    amount('charged', t('money.selling.charged')),
    amount('claimed', t('money.sessions.claimed')),
    amount('owed', t('money.sessions.owedColumn')),
  ]
  return (
    <Section title={t('money.selling.payers')}>
      {payers.length === 0 ? (
        <Empty icon={Users} title={t('money.selling.payersEmpty')}>
          {t('money.selling.payersEmptyAbout')}
        </Empty>
      ) : (
        <Table
          label={t('money.selling.payers')}
          columns={columns}
          rows={payers}
          keyOf={({ payer, epoch }) => `${payer} ${epoch}`}
        />
      )}
    </Section>
  )
}
