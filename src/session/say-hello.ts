import type { CashDesk, ChannelKey, Hex, SignedHello, SignedReceipt } from '../core/index.ts'
import { OpenSession } from './open-session.ts'
import { type PaidCall, windowPrice } from './paid-call.ts'
import type { Payer } from './payer.ts'
import type { PaidPeer, PriceList } from './price-list.ts'
import { heldProofs, type LateReceipt, reconcile } from './reconcile.ts'
import { principalName } from './spending-caps.ts'
import { startCounter } from './start-counter.ts'
import { isAbout, verifyReceipt, verifySigner } from './verify-receipt.ts'
import { VoucherPen } from './voucher-pen.ts'

export interface HelloOptions extends Payer {
  /** The cash desk as it can be reached at the time of asking. */
  readonly desk: () => CashDesk
  readonly peer: PaidPeer
  readonly timeoutMs: number
}

/**
 * Opens a session and brings the books level. `unsettled` are calls of a former session whose last receipts this side
 * never saw. Throws `ledger_conflict` when the books cannot both be right.
 */
export async function openSession(
  prices: PriceList,
  unsettled: readonly PaidCall[],
  options: HelloOptions,
): Promise<OpenSession> {
  const { peer, payer, notary, ledger, log, timeoutMs } = options
  const { provider, desk } = peer
  const bound = AbortSignal.timeout(timeoutMs)
  const sheet = await prices.sheet(bound)
  const pair = { side: 'user', ...notary.domain, payer, provider } as const
  const grant = await desk.open(signHello(options), options.peerId, bound, heldProofs(ledger, pair))
  const late = await lateReceipts(grant.session, unsettled, bound, options)
  const windows = sheet.models.map(({ quote }) => windowPrice(quote.message))
  const slack = windows.reduce((most, price) => (price > most ? price : most), 0n)
  const key: ChannelKey = { ...pair, epoch: grant.epoch }
  await startCounter(grant, key, options, bound)
  reconcile(grant, { ...options, key, late, slack })
  for (const { receipt, call } of late) {
    const { requestId, charge, cumulative } = receipt.message
    log.emit({ type: 'receipt.taken', provider, call, requestId, charge, cumulative })
  }
  const { authorized = 0n, voucher, charged = 0n } = ledger.channel(key) ?? {}
  const pen = new VoucherPen({
    ...options,
    key,
    token: grant.session,
    authorized,
    voucher,
    acknowledged: grant.accepted,
    onSigned: cumulative => log.emit({ type: 'voucher.given', payer, provider, cumulative }),
  })
  log.emit({ type: 'session.opened', side: 'user', payer, provider, authorized, charged })
  return new OpenSession({ token: grant.session, key, pen, ledger, charged, covered: grant.covered })
}

function signHello({ peer, payer, peerId, notary, signer, clock, random }: HelloOptions): SignedHello {
  const nonce: Hex = `0x${Buffer.from(random.bytes(32)).toString('hex')}`
  const message = { payer, provider: peer.provider, peerId, nonce, timestamp: BigInt(clock.now()) }
  return { domain: notary.domain, message, signature: signer.sign(notary.hashHello(message)) }
}

async function lateReceipts(
  session: Hex,
  unsettled: readonly PaidCall[],
  signal: AbortSignal,
  { peer, notary }: HelloOptions,
): Promise<LateReceipt[]> {
  const calls = new Map(unsettled.slice(-100).map(call => [call.options.id, call]))
  if (calls.size === 0) return []
  const receipts = await peer.desk.receipts(session, [...calls.keys()], signal)
  return receipts.sort(bySeq).flatMap(receipt => {
    const call = calls.get(receipt.message.requestId)
    if (call === undefined || !isAbout(receipt.message, call) || receipt.message.seq <= call.seq) return []
    verifySigner(receipt, notary, peer.signer)
    verifyReceipt(receipt.message, call)
    return [{ receipt, principal: principalName(call.options.principal), call: call.options.localId }]
  })
}

function bySeq(a: SignedReceipt, b: SignedReceipt): number {
  return a.message.seq < b.message.seq ? -1 : 1
}
