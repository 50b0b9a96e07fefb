import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Address, ChannelKey, Hex } from '../core/index.ts'

/** A row of `channels`, as SQLite returns it. */
export interface ChannelRow {
  readonly id: number
  readonly side: ChannelKey['side']
  readonly chain_id: string
  readonly escrow: Address
  readonly payer: Address
  readonly provider: Address
  readonly epoch: string
  readonly authorized: string
  readonly voucher_signature: Hex | null
  readonly charged: string
  readonly seq: string
  readonly receipt_session: string | null
  readonly receipt: string | null
  readonly claimed: string
}

const sums = 'coalesce(sum(low), 0) as low, coalesce(sum(middle), 0) as middle, coalesce(sum(high), 0) as high'
const summed = `coalesce(sum(r.low), 0) as low, coalesce(sum(r.middle), 0) as middle, coalesce(sum(r.high), 0) as high,
    count(*) as calls`
const ofEscrow = `from receipts r join channels c on c.id = r.channel_id
    where r.side = ? and c.chain_id = ? and c.escrow = ? and r.at >= ? and r.at < ?`
const call = 'channel_id = ? and session = ? and request_id = ? and started_at = ?'

const queries = {
  row: `select * from channels
    where side = ? and chain_id = ? and escrow = ? and payer = ? and provider = ? and epoch = ?`,
  rowsOfSide: 'select * from channels where side = ? order by id',
  addRow: 'insert into channels (side, chain_id, escrow, payer, provider, epoch) values (?, ?, ?, ?, ?, ?)',
  addRowAt: `insert into channels
    (side, chain_id, escrow, payer, provider, epoch, authorized, charged, claimed) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict do nothing`,
  setVoucher: 'update channels set authorized = ?, voucher_signature = ? where id = ?',
  setCharged: 'update channels set charged = ?, seq = ?, receipt_session = ?, receipt = ? where id = ?',
  setClaimed: 'update channels set claimed = ? where id = ?',
  receiptBySeq: 'select receipt from receipts where channel_id = ? and session = ? and seq = ?',
  seqOfCall: `select seq from receipts where ${call}`,
  dropReceiptsOfCall: `delete from receipts where ${call}`,
  addReceipt: `insert into receipts
    (channel_id, side, session, seq, request_id, started_at, principal, low, middle, high, at, receipt)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  newestReceipt: `select receipt from receipts where channel_id = ? and request_id = ?
    order by started_at desc, length(seq) desc, seq desc limit 1`,
  spent: `select ${sums} from receipts where side = ? and at >= ?`,
  spentBy: `select ${sums} from receipts where side = ? and principal = ? and at >= ?`,
  earnedByTime: `select r.at / ? as span, ${summed} ${ofEscrow} group by span order by span desc limit ?`,
  earnedByPayer: `select c.payer as payer, ${summed} ${ofEscrow}
    group by c.payer order by sum(r.high) desc, sum(r.middle) desc, sum(r.low) desc limit ?`,
}

export type LedgerStatements = { readonly [Name in keyof typeof queries]: StatementSync }

export function prepareLedger(database: DatabaseSync): LedgerStatements {
  const entries = Object.entries(queries).map(([name, sql]) => [name, database.prepare(sql)])
  const statements = Object.fromEntries(entries) as LedgerStatements
  statements.spent.setReadBigInts(true)
  statements.spentBy.setReadBigInts(true)
  statements.earnedByTime.setReadBigInts(true)
  statements.earnedByPayer.setReadBigInts(true)
  return statements
}
