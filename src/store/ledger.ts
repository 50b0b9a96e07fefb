import type { DatabaseSync } from 'node:sqlite'
import type {
  Channel,
  ChannelKey,
  Clock,
  EarningsBook,
  Hex,
  Ledger,
  SignedReceipt,
  SignedVoucher,
} from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { openDatabase, transaction } from './database.ts'
import { createEarnings, joinLimbs, limbBits } from './ledger-earnings.ts'
import { migrations } from './ledger-schema.ts'
import type { ChannelRow, LedgerStatements } from './ledger-statements.ts'
import { prepareLedger } from './ledger-statements.ts'
import { fromReceiptText, toReceiptText } from './receipt-text.ts'

export interface LedgerOptions {
  readonly clock: Clock
  /** For a second process that only looks, while the node runs. */
  readonly readOnly?: boolean
}

/** A ledger on disk. Every write is committed and synced before it returns; `close` is the last call. */
export function createLedger(path: string, options: LedgerOptions): Ledger & EarningsBook & { close: () => void } {
  const database = openDatabase(path, { migrations, readOnly: options.readOnly ?? false })
  const statements = prepareLedger(database)
  const book = { database, statements, clock: options.clock }
  return {
    channel: key => toChannel(findRow(statements, key)),
    channels: side => statements.rowsOfSide.all(side).map(row => toChannel(row as unknown as ChannelRow)!),
    open: (key, start) => transaction(database, () => open(book, key, start)),
    authorize: (key, voucher) => transaction(database, () => authorize(book, key, voucher)),
    charge: (key, receipt, principal) => transaction(database, () => charge(book, key, receipt, principal)),
    receipts: (key, requestIds) => newestReceipts(statements, key, requestIds),
    spentSince: (side, since, principal) => spentSince(statements, side, since, principal),
    settled: (key, claimed) => transaction(database, () => settled(book, key, claimed)),
    ...createEarnings(statements),
    close: () => database.close(),
  }
}

interface Book {
  readonly database: DatabaseSync
  readonly statements: LedgerStatements
  readonly clock: Clock
}

function open({ statements }: Book, key: ChannelKey, { claimed, charged }: { claimed: bigint; charged: bigint }): void {
  if (charged > claimed) {
    throw new ParleyError('ledger_conflict', `a counter cannot start with ${charged} charged and ${claimed} paid`)
  }
  statements.addRowAt.run(...columns(key), String(claimed), String(charged), String(claimed))
}

function authorize({ statements }: Book, key: ChannelKey, { message, signature }: SignedVoucher): void {
  const row = openRow(statements, key)
  const authorized = BigInt(row.authorized)
  if (message.cumulative === authorized && row.voucher_signature === signature) return
  if (message.cumulative <= authorized) {
    throw new ParleyError(
      'ledger_conflict',
      `a voucher over ${message.cumulative} cannot follow one over ${authorized}: the ledger does not go back`,
    )
  }
  statements.setVoucher.run(String(message.cumulative), signature, row.id)
}

/**
 * Receipts of parallel calls travel on their own streams, so on the user's side one of the same session may arrive after
 * a newer one: it is kept beside it. Two different receipts under one number are a contradiction on either side.
 */
function charge({ statements, clock }: Book, key: ChannelKey, signed: SignedReceipt, principal: string): void {
  const row = openRow(statements, key)
  const { session, seq, cumulative, requestId, startedAt, charge } = signed.message
  const text = toReceiptText(signed)
  const known = statements.receiptBySeq.get(row.id, session, String(seq))?.receipt
  if (known === text) return
  const newest = row.receipt_session === session ? BigInt(row.seq) : undefined
  const isLate = newest !== undefined && seq < newest
  if (known !== undefined || (isLate && key.side === 'provider') || (!isLate && cumulative < BigInt(row.charged))) {
    throw new ParleyError(
      'ledger_conflict',
      `receipt ${seq} over ${cumulative} contradicts receipt ${row.seq} over ${row.charged}`,
    )
  }
  const newestOfCall = statements.seqOfCall.get(row.id, session, requestId, String(startedAt))?.seq
  if (newestOfCall === undefined || BigInt(newestOfCall as string) < seq) {
    statements.dropReceiptsOfCall.run(row.id, session, requestId, String(startedAt))
    const call = [row.id, key.side, session, String(seq), requestId, String(startedAt)] as const
    statements.addReceipt.run(...call, principal, ...limbs(charge), clock.now(), text)
  }
  if (!isLate) statements.setCharged.run(String(cumulative), String(seq), session, text, row.id)
}

function settled({ statements }: Book, key: ChannelKey, claimed: bigint): void {
  const row = openRow(statements, key)
  if (claimed < BigInt(row.claimed)) {
    throw new ParleyError('ledger_conflict', `the chain paid ${row.claimed} before and says ${claimed} now`)
  }
  statements.setClaimed.run(String(claimed), row.id)
}

function newestReceipts(statements: LedgerStatements, key: ChannelKey, requestIds: readonly string[]): SignedReceipt[] {
  const row = findRow(statements, key)
  if (row === undefined) return []
  return [...new Set(requestIds)].flatMap(requestId => {
    const found = statements.newestReceipt.get(row.id, requestId)
    return found === undefined ? [] : [fromReceiptText(found.receipt as string)]
  })
}

function spentSince(statements: LedgerStatements, side: string, since: number, principal: string | undefined): bigint {
  const sums =
    principal === undefined ? statements.spent.get(side, since) : statements.spentBy.get(side, principal, since)
  return joinLimbs(sums as { low: number; middle: number; high: number })
}

const limbMask = (1n << limbBits) - 1n

/** Three limbs of 40 bits, so that SQLite's 64-bit sums stay exact over millions of rows. */
function limbs(amount: bigint): [bigint, bigint, bigint] {
  return [amount & limbMask, (amount >> limbBits) & limbMask, amount >> (2n * limbBits)]
}

function columns(key: ChannelKey): [string, string, string, string, string, string] {
  const { side, chainId, escrow, payer, provider, epoch } = key
  return [side, String(chainId), escrow.toLowerCase(), payer.toLowerCase(), provider.toLowerCase(), String(epoch)]
}

function findRow(statements: LedgerStatements, key: ChannelKey): ChannelRow | undefined {
  return statements.row.get(...columns(key)) as unknown as ChannelRow | undefined
}

function openRow(statements: LedgerStatements, key: ChannelKey): ChannelRow {
  const known = findRow(statements, key)
  if (known !== undefined) return known
  statements.addRow.run(...columns(key))
  return findRow(statements, key)!
}

function toChannel(row: ChannelRow | undefined): Channel | undefined {
  if (row === undefined) return undefined
  const key: ChannelKey = {
    side: row.side,
    chainId: BigInt(row.chain_id),
    escrow: row.escrow,
    payer: row.payer,
    provider: row.provider,
    epoch: BigInt(row.epoch),
  }
  return {
    key,
    authorized: BigInt(row.authorized),
    voucher: row.voucher_signature === null ? undefined : toVoucher(key, row.authorized, row.voucher_signature),
    charged: BigInt(row.charged),
    seq: BigInt(row.seq),
    receipt: row.receipt === null ? undefined : fromReceiptText(row.receipt),
    claimed: BigInt(row.claimed),
  }
}

function toVoucher(key: ChannelKey, authorized: string, signature: Hex): SignedVoucher {
  const { chainId, escrow, payer, provider, epoch } = key
  return {
    domain: { chainId, escrow },
    message: { payer, provider, epoch, cumulative: BigInt(authorized) },
    signature,
  }
}
