import type { Address, Clock, Hex, Notary, SignedHello } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { isSameAddress } from './amounts.ts'

const freshMs = 5 * 60_000
const noncesMax = 100_000

export interface GreeterOptions {
  readonly notary: Notary
  readonly provider: Address
  readonly clock: Clock
}

/** Checks hellos: meant for this provider, for this connection, now, and never twice. */
export class Greeter {
  readonly #options: GreeterOptions
  /** Nonce → the time from which its hello is stale anyway. */
  readonly #nonces = new Map<Hex, number>()

  constructor(options: GreeterOptions) {
    this.#options = options
  }

  /** Everything but the signer, who is compared with the escrow by the caller. Returns who signed. */
  check({ domain, message, signature }: SignedHello, peerId: string): Address {
    const { notary, provider, clock } = this.#options
    if (domain.chainId !== notary.domain.chainId) {
      throw new ParleyError(
        'voucher_chain',
        `the hello is for chain ${domain.chainId}, this is ${notary.domain.chainId}`,
      )
    }
    if (!isSameAddress(domain.escrow, notary.domain.escrow)) {
      throw new ParleyError('voucher_escrow', `the hello is for escrow ${domain.escrow}, not ${notary.domain.escrow}`)
    }
    if (!isSameAddress(message.provider, provider)) {
      throw new ParleyError('voucher_provider', `the hello is for provider ${message.provider}, this is ${provider}`)
    }
    if (message.peerId !== peerId) {
      throw new ParleyError('payment_invalid', 'the hello names another peer id than its connection')
    }
    if (Math.abs(clock.now() - Number(message.timestamp)) > freshMs) {
      throw new ParleyError('payment_invalid', 'the hello is older or newer than five minutes; set the clock')
    }
    this.#refuseReplay(message.nonce)
    return notary.recover(notary.hashHello(message), signature)
  }

  /** Remembers an accepted hello for as long as it could be said again. */
  remember({ message }: SignedHello): void {
    this.#refuseReplay(message.nonce)
    const now = this.#options.clock.now()
    for (const [nonce, staleAt] of this.#nonces) {
      if (staleAt > now) break
      this.#nonces.delete(nonce)
    }
    if (this.#nonces.size >= noncesMax) {
      throw new ParleyError('overloaded', 'too many sessions were opened; try again soon', { retryAfterSeconds: 60 })
    }
    this.#nonces.set(message.nonce, now + 2 * freshMs)
  }

  #refuseReplay(nonce: Hex): void {
    if (this.#nonces.has(nonce)) {
      throw new ParleyError('payment_invalid', 'the hello was used before; sign a new one')
    }
  }
}
