import { type Random, sleep } from '../core/index.ts'
import type { PeerTarget } from './target.ts'

export interface KeepWarmOptions {
  /** Connects, or throws. */
  readonly connect: (target: PeerTarget, signal: AbortSignal) => Promise<void>
  /** Resolves when no connection to the peer is left. */
  readonly disconnected: (peerId: string, signal: AbortSignal) => Promise<void>
  readonly random: Random
  /** Peers kept at once. */
  readonly max: number
  readonly firstDelayMs?: number
  readonly lastDelayMs?: number
}

/** Keeps connections to a few peers open, so that no request waits for a dial. One that breaks is dialled again, later each time. */
export class KeepWarm {
  readonly #options: KeepWarmOptions
  readonly #kept = new Map<string, { target: PeerTarget; controller: AbortController }>()

  constructor(options: KeepWarmOptions) {
    this.#options = options
  }

  /** Keeps these, the first ones first, and lets go of those not named or moved. Connections themselves are left to close. */
  set(targets: readonly PeerTarget[]): void {
    const wanted = new Map(targets.slice(0, this.#options.max).map(target => [target.peerId, target]))
    for (const [peerId, { target }] of this.#kept) {
      if (!sameTarget(target, wanted.get(peerId))) this.#drop(peerId)
    }
    for (const target of wanted.values()) {
      if (this.#kept.has(target.peerId)) continue
      const controller = new AbortController()
      this.#kept.set(target.peerId, { target, controller })
      void this.#keep(target, controller.signal)
    }
  }

  stop(): void {
    for (const peerId of this.#kept.keys()) this.#drop(peerId)
  }

  #drop(peerId: string): void {
    this.#kept.get(peerId)?.controller.abort()
    this.#kept.delete(peerId)
  }

  async #keep(target: PeerTarget, signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      try {
        await this.#options.connect(target, signal)
        failures = 0
        await this.#options.disconnected(target.peerId, signal)
      } catch {
        // An unreachable peer is normal here; whoever needs it learns why from its own `open`.
        failures++
      }
      await sleep(this.#delay(failures), signal).catch(() => undefined)
    }
  }

  /** Doubles with each failure up to a bound, with up to half of it taken off by chance so that peers do not dial in step. */
  #delay(failures: number): number {
    const { firstDelayMs = 500, lastDelayMs = 60_000, random } = this.#options
    const full = Math.min(lastDelayMs, firstDelayMs * 2 ** Math.min(failures, 16))
    return full * (1 - random.fraction() / 2)
  }
}

function sameTarget(kept: PeerTarget, wanted: PeerTarget | undefined): boolean {
  return wanted !== undefined && kept.addresses.join() === wanted.addresses.join()
}
