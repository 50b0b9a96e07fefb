import type {
  Address,
  Call,
  Context,
  HeldProofs,
  Hex,
  Principal,
  QuoteSheet,
  SessionGrant,
  SignedHello,
  SignedReceipt,
  SignedVoucher,
} from '../core/index.ts'
import {
  maxChargeHeader,
  ParleyError,
  quoteHeader,
  requestHeader,
  seedHeader,
  sessionHeader,
  voucherHeader,
} from '../core/index.ts'
import { isSameAddress } from './amounts.ts'
import { readChargeLimit } from './charge-limit.ts'
import { checkVoucher } from './check-voucher.ts'
import { commitmentKey, sessionName } from './commitments.ts'
import { Cover } from './cover.ts'
import { type EscrowPosition, EscrowWatch } from './escrow-watch.ts'
import { Greeter } from './greeting.ts'
import { HelloRate } from './hello-rate.ts'
import { requireUnit } from './measure-media.ts'
import { QuoteBook } from './quote-book.ts'
import { RunningCall } from './running-call.ts'
import { drawSeed, ownSeed, readSeed } from './seed.ts'
import { type Session, Sessions } from './sessions.ts'
import { startTab } from './start-counter.ts'
import { needVoucher, Tab } from './tab.ts'
import type { TillLimits, TillOptions } from './till-options.ts'
import { decodeVoucherHeader, isRequestId } from './wire.ts'

/** A call that may begin, and the voucher that came with it if that one need not be looked at first. */
export interface TakenCall {
  readonly running: RunningCall
  /** Accepts the voucher that came along; throws its typed error. */
  readonly acceptLate: (() => void) | undefined
}

/** What stands behind a till: sessions, and the rules by which money is taken and work released. */
export class ProviderDesk {
  readonly #options: TillOptions
  readonly #limits: TillLimits
  readonly #quotes: QuoteBook
  readonly #greeter: Greeter
  readonly #helloRate: HelloRate
  readonly #sessions: Sessions
  readonly #watch: EscrowWatch
  readonly #cover: Cover

  constructor(options: TillOptions, limits: TillLimits) {
    this.#options = options
    this.#limits = limits
    this.#quotes = new QuoteBook({ ...options, quoteLifeMs: limits.quoteLifeMs })
    this.#greeter = new Greeter(options)
    this.#helloRate = new HelloRate({ ...options, burst: limits.helloBurst, everyMs: limits.helloEveryMs })
    this.#sessions = new Sessions({ ...options, sessionsMax: limits.sessionsMax, idleMs: limits.sessionIdleMs })
    this.#watch = new EscrowWatch({
      ...options,
      refreshMs: limits.escrowRefreshMs,
      staleMaxMs: limits.escrowStaleMaxMs,
      readTimeoutMs: 10_000,
      positionsMax: 2 * limits.sessionsMax,
      onRead: (payer, position) => this.#follow(payer, position),
    })
    this.#cover = new Cover({ ...options, watch: this.#watch, limits })
  }

  sheet(): QuoteSheet {
    const { provider, notary, rail = 'vouchers' } = this.#options
    return { provider, domain: notary.domain, rail, models: this.#quotes.sheet() }
  }

  async open(hello: SignedHello, peerId: string, signal: AbortSignal, held: HeldProofs = {}): Promise<SessionGrant> {
    this.#helloRate.take(peerId)
    const signer = this.#greeter.check(hello, peerId)
    const { payer } = hello.message
    const position = await this.#cover.positionFor(payer, signer, signal)
    this.#greeter.remember(hello)
    const former = this.#sessions.ofPayer(payer)
    if (former !== undefined) {
      this.#sessions.end(former, new ParleyError('session_unknown', 'the payer opened another session'))
    }
    const tab = this.#openTab(payer, position, held)
    const session = this.#createSession(tab, signer, peerId)
    this.#takeProofs(session, held)
    this.#sessions.add(session)
    return this.#grant(session, position)
  }

  async voucher(token: Hex, voucher: SignedVoucher, signal: AbortSignal): Promise<bigint> {
    const session = this.#sessions.find(token)
    await this.#awake(session, signal)
    await this.#acceptOrReread(session, voucher, signal)
    return session.tab.accepted
  }

  receipts(token: Hex, requestIds: readonly string[]): SignedReceipt[] {
    if (requestIds.length > 100) throw new ParleyError('too_large', 'ask for 100 receipts at a time at most')
    return this.#options.ledger.receipts(this.#sessions.find(token).tab.key, requestIds)
  }

  /** The session a caller names. Throws `payment_required` and `session_unknown`. */
  sessionOf(principal: Principal, token: string | undefined): Session {
    if (token === undefined) {
      throw new ParleyError('payment_required', `this provider is paid; open a session and send ${sessionHeader}`)
    }
    const session = this.#sessions.find(token)
    if (principal.kind === 'peer' && principal.id !== session.peerId) {
      throw new ParleyError('session_unknown', 'the session belongs to another connection; open one for this')
    }
    return session
  }

  async begin(call: Call, context: Context): Promise<TakenCall> {
    const { headers, principal, signal } = context
    const session = this.sessionOf(principal, headers[sessionHeader])
    await this.#awake(session, signal)
    const quote = this.#quotes.find(call.body.model, headers[quoteHeader])
    requireUnit(call, quote.signed.message.unit)
    if (session.calls.size >= quote.signed.message.concurrency) {
      const most = `this session runs ${session.calls.size} calls, the quote allows ${quote.signed.message.concurrency}`
      throw new ParleyError('overloaded', most, { retryAfterSeconds: 1 })
    }
    const running = this.#runningCall(session, quote, call, context)
    const wanted = session.tab.committed + running.prepaid
    const header = headers[voucherHeader]
    const isNew = header !== undefined && header !== session.acceptedHeader
    if (session.tab.accepted < wanted && isNew) await this.#acceptHeader(session, header, signal)
    this.#sessions.requireOpen(session)
    if (session.tab.accepted < session.tab.committed + running.prepaid) {
      throw needVoucher(session.tab.committed + running.prepaid, session.tab.accepted, 'the credit is too low')
    }
    session.tab.open(running)
    session.calls.set(running.requestId, running)
    const isLate = isNew && header !== session.acceptedHeader
    return { running, acceptLate: isLate ? () => this.#acceptHeaderNow(session, header) : undefined }
  }

  #runningCall(session: Session, quote: ReturnType<QuoteBook['find']>, call: Call, context: Context): RunningCall {
    const { notary, signer, clock, random, log, provider } = this.#options
    const named = context.headers[requestHeader]
    const requestId = isRequestId(named) ? named : context.id
    if (session.calls.has(requestId)) {
      throw new ParleyError('conflict', `call ${requestId} is running already; name each call differently`)
    }
    const principal = `${context.principal.kind}:${context.principal.id}`
    return new RunningCall({
      notary,
      signer,
      clock,
      quote,
      call,
      requestId,
      book: {
        name: session.name,
        commitmentKey: session.commitmentKey,
        tab: session.tab,
        principal,
        nextSeq: () => ++session.seq,
      },
      seed: ownSeed(call) ?? readSeed(context.headers[seedHeader]) ?? drawSeed(random),
      maxCharge: readChargeLimit(context.headers[maxChargeHeader]),
      voucherTimeoutMs: this.#limits.voucherTimeoutMs,
      onReceipt: ({ charge, cumulative }) =>
        log.emit({ type: 'receipt.issued', provider, requestId, charge, cumulative }),
      onEnd: () => void session.calls.delete(requestId),
    })
  }

  async #acceptHeader(session: Session, header: string, signal: AbortSignal): Promise<void> {
    const voucher = decodeVoucherHeader(header)
    if (voucher.message.cumulative <= session.tab.accepted) return
    await this.#acceptOrReread(session, voucher, signal)
    session.acceptedHeader = header
  }

  /** A voucher overtaken by a higher one on another stream says nothing new and is no error. */
  #acceptHeaderNow(session: Session, header: string): void {
    const voucher = decodeVoucherHeader(header)
    if (voucher.message.cumulative <= session.tab.accepted) return
    this.#accept(session, voucher)
    session.acceptedHeader = header
  }

  /** What looks uncovered may only be old news: the chain is asked once before a payer is turned away. */
  async #acceptOrReread(session: Session, voucher: SignedVoucher, signal: AbortSignal): Promise<void> {
    try {
      this.#accept(session, voucher)
    } catch (cause) {
      if (!(cause instanceof ParleyError) || cause.code !== 'insufficient_funds') throw cause
      await this.#watch.recent(session.payer, 1_000, signal)
      this.#sessions.requireOpen(session)
      this.#accept(session, voucher)
    }
  }

  #accept(session: Session, voucher: SignedVoucher): void {
    const { notary, provider, log } = this.#options
    const { tab, payer, signer } = session
    const { cumulative } = voucher.message
    try {
      checkVoucher(voucher, { notary, payer, provider, epoch: tab.key.epoch, signer, accepted: tab.accepted })
      this.#cover.require(payer, cumulative)
      tab.accept(voucher)
    } catch (cause) {
      const error = ParleyError.from(cause)
      // The same voucher rides in headers and is sent beside them: the second copy is no news for anybody.
      if (error.code !== 'voucher_replayed') log.emit({ type: 'voucher.refused', payer, code: error.code })
      throw error
    }
    log.emit({ type: 'voucher.accepted', payer, provider, cumulative })
  }

  /** A session that slept for longer than its position may be believed has the chain read before it goes on. */
  async #awake(session: Session, signal: AbortSignal): Promise<void> {
    if (this.#watch.known(session.payer) !== undefined) return
    await this.#watch.recent(session.payer, this.#limits.escrowStaleMaxMs, signal)
    this.#sessions.requireOpen(session)
  }

  /** What the user kept and this ledger lost. Papers of a former epoch of the account say nothing about this one. */
  #takeProofs(session: Session, { voucher, receipt }: HeldProofs): void {
    const { tab } = session
    if (voucher === undefined || voucher.message.epoch !== tab.key.epoch) return
    if (voucher.message.cumulative > tab.accepted) this.#accept(session, voucher)
    if (receipt !== undefined && receipt.message.cumulative > tab.charged) {
      this.#requireOwn(receipt)
      tab.restore(receipt)
    }
  }

  /** A receipt is only worth as much as our own signature under it. */
  #requireOwn(receipt: SignedReceipt): void {
    const { notary, signer } = this.#options
    if (isSameAddress(notary.recover(notary.hashReceipt(receipt.message), receipt.signature), signer.address)) return
    throw new ParleyError('receipt_invalid', 'the receipt handed back is not signed by this provider')
  }

  #openTab(payer: Address, { account, pair }: EscrowPosition, { voucher, receipt }: HeldProofs): Tab {
    const { notary, provider, ledger } = this.#options
    const key = { side: 'provider', ...notary.domain, payer, provider, epoch: account.epoch } as const
    startTab(ledger, key, pair.claimed, () => {
      if (receipt === undefined || voucher?.message.epoch !== key.epoch) return false
      this.#requireOwn(receipt)
      return true
    })
    return new Tab(key, ledger)
  }

  #createSession(tab: Tab, signer: Address, peerId: string): Session {
    const { random, clock } = this.#options
    const token: Hex = `0x${Buffer.from(random.bytes(32)).toString('hex')}`
    return {
      token,
      name: sessionName(token),
      commitmentKey: commitmentKey(token),
      peerId,
      payer: tab.key.payer,
      signer,
      tab,
      calls: new Map(),
      seq: 0n,
      usedAt: clock.monotonic(),
      acceptedHeader: undefined,
    }
  }

  #grant({ token, tab, payer }: Session, position: EscrowPosition): SessionGrant {
    const { log, provider } = this.#options
    const { accepted, charged, voucher, receipt } = tab
    log.emit({ type: 'session.opened', side: 'provider', payer, provider, authorized: accepted, charged })
    const covered = this.#cover.total(position)
    return { session: token, epoch: tab.key.epoch, accepted, charged, covered, voucher, receipt }
  }

  /** The chain decides: another session key or another epoch ends the session, and what was paid out is noted. */
  #follow(payer: Address, { account, pair }: EscrowPosition): void {
    const session = this.#sessions.ofPayer(payer)
    if (session === undefined) return
    if (!isSameAddress(account.signer, session.signer) || account.epoch !== session.tab.key.epoch) {
      this.#sessions.end(session, new ParleyError('session_unknown', 'the account was closed or has another key now'))
      return
    }
    const known = this.#options.ledger.channel(session.tab.key)?.claimed ?? 0n
    if (pair.claimed > known) this.#options.ledger.settled(session.tab.key, pair.claimed)
  }
}
