import type { Address, Clock, EscrowAccount, EscrowPair, EscrowReader } from '../core/index.ts'
import { abortable, ParleyError } from '../core/index.ts'

/** What the escrow held for a payer when it was last read. */
export interface EscrowPosition {
  readonly account: EscrowAccount
  readonly pair: EscrowPair
  /** Monotonic milliseconds. */
  readonly readAt: number
}

export interface EscrowWatchOptions {
  readonly escrow: EscrowReader
  readonly provider: Address
  readonly clock: Clock
  /** Age from which a position is read again, beside the calls that use it. */
  readonly refreshMs: number
  /** Age up to which a position still counts while the chain cannot be read. */
  readonly staleMaxMs: number
  readonly readTimeoutMs: number
  readonly positionsMax: number
  /** Called after every read, with what it replaced. */
  readonly onRead: (payer: Address, position: EscrowPosition) => void
}

/**
 * The escrow as seen from memory: no call waits for the chain. Positions are read when a session opens and again in the
 * background while they are used; when the chain is away the last ones stand for a bounded time.
 */
export class EscrowWatch {
  readonly #options: EscrowWatchOptions
  readonly #positions = new Map<string, EscrowPosition>()
  readonly #reading = new Map<string, Promise<EscrowPosition>>()

  constructor(options: EscrowWatchOptions) {
    this.#options = options
  }

  /** The last position, whatever its age, unless it is older than may be believed. Reads again in the background. */
  known(payer: Address): EscrowPosition | undefined {
    const position = this.#positions.get(payer.toLowerCase())
    if (position === undefined || this.#age(position) > this.#options.staleMaxMs) return undefined
    if (this.#age(position) > this.#options.refreshMs) this.read(payer).catch(ignoreOutage)
    return position
  }

  /** A position no older than `maxAgeMs`, or the last one while the chain cannot be read. */
  async recent(payer: Address, maxAgeMs: number, signal: AbortSignal): Promise<EscrowPosition> {
    const position = this.known(payer)
    if (position !== undefined && this.#age(position) <= maxAgeMs) return position
    try {
      return await abortable(this.read(payer), signal)
    } catch (cause) {
      if (position === undefined || signal.aborted) throw cause
      return position
    }
  }

  /** Reads the chain; calls for the same payer share one read. */
  read(payer: Address): Promise<EscrowPosition> {
    const name = payer.toLowerCase()
    const running = this.#reading.get(name)
    if (running !== undefined) return running
    const reading = this.#read(payer).finally(() => this.#reading.delete(name))
    this.#reading.set(name, reading)
    return reading
  }

  async #read(payer: Address): Promise<EscrowPosition> {
    const { escrow, clock, readTimeoutMs, positionsMax } = this.#options
    const signal = AbortSignal.timeout(readTimeoutMs)
    const [account, early] = await Promise.all([escrow.account(payer, signal), this.#pair(payer, signal)]).catch(
      unavailable,
    )
    const name = payer.toLowerCase()
    // A counter starts at what was claimed before its epoch: final only when read after the epoch was seen to have begun.
    const isNewEpoch = account.epoch > 0n && this.#positions.get(name)?.account.epoch !== account.epoch
    const pair = isNewEpoch ? await this.#pair(payer, signal) : early
    const position = { account, pair, readAt: clock.monotonic() }
    this.#positions.delete(name)
    this.#positions.set(name, position)
    if (this.#positions.size > positionsMax) this.#positions.delete(this.#positions.keys().next().value!)
    this.#options.onRead(payer, position)
    return position
  }

  #pair(payer: Address, signal: AbortSignal): Promise<EscrowPair> {
    return this.#options.escrow.pair(payer, this.#options.provider, signal).catch(unavailable)
  }

  #age(position: EscrowPosition): number {
    return this.#options.clock.monotonic() - position.readAt
  }
}

function unavailable(cause: unknown): never {
  throw ParleyError.from(cause, undefined, 'chain_unavailable')
}

/** The last position goes on to stand: how long is `staleMaxMs`, and whoever asks then is told. */
function ignoreOutage(): void {}
