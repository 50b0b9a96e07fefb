import { useTranslation } from 'react-i18next'
import type { Answer } from '../../client/api.ts'
import { Short } from '../../parts/copy.tsx'
import { number, percent } from '../../parts/format.ts'
import { type Column, Table } from '../../parts/table.tsx'
import { tokens } from '../shared/amounts.ts'

type Row = Answer<'GET /selling/earnings'>['data'][number]

interface PayersProps {
  rows: readonly Row[]
  total: string
  token: Answer<'GET /selling'>['token']
}

export function Payers({ rows, total, token }: PayersProps) {
  const { t } = useTranslation()
  const shareOf = (earned: string) =>
    BigInt(total) === 0n ? 0 : Number((BigInt(earned) * 10_000n) / BigInt(total)) / 10_000
  const columns: Column<Row>[] = [
    {
      key: 'payer',
      head: t('money.earnings.payer'),
      width: 'minmax(11rem, 1.4fr)',
      cell: ({ payer }) => (payer === null ? '–' : <Short text={payer} ends={4} />),
    },
    {
      key: 'calls',
      head: t('money.earnings.calls'),
      isNumber: true,
      isSecondary: true,
      cell: ({ calls }) => number(calls),
    },
    {
      key: 'share',
      head: t('money.earnings.share'),
      isNumber: true,
      isSecondary: true,
      cell: ({ earned }) => percent(shareOf(earned)),
    },
    { key: 'earned', head: t('money.earnings.amount'), isNumber: true, cell: ({ earned }) => tokens(earned, token) },
  ]
  return <Table label={t('money.earnings.byPayer')} columns={columns} rows={rows} keyOf={({ payer }) => payer ?? ''} />
}
