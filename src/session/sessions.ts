import type { Address, Clock, Hex } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { RunningCall } from './running-call.ts'
import type { Tab } from './tab.ts'

/** A paid relation with one payer over one connection, on the provider's side. */
export interface Session {
  readonly token: Hex
  readonly name: Hex
  readonly commitmentKey: Uint8Array
  readonly peerId: string
  readonly payer: Address
  /** The session key that signed the hello; vouchers must be signed by it too. */
  readonly signer: Address
  readonly tab: Tab
  readonly calls: Map<string, RunningCall>
  seq: bigint
  usedAt: number
  /** The header of the newest accepted voucher: the same text again needs no second look. */
  acceptedHeader: string | undefined
}

export interface SessionsOptions {
  readonly clock: Clock
  readonly sessionsMax: number
  readonly idleMs: number
}

/** Open sessions by their token; one per payer, the newest: a user that says hello again has left its old one behind. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #byToken = new Map<Hex, Session>()
  readonly #byPayer = new Map<string, Session>()

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** Throws `session_unknown`. */
  find(token: string | undefined): Session {
    const session = this.#byToken.get(token as Hex)
    if (session === undefined) {
      throw new ParleyError('session_unknown', 'this provider does not know the session; open it again')
    }
    session.usedAt = this.#options.clock.monotonic()
    this.#byToken.delete(session.token)
    this.#byToken.set(session.token, session)
    return session
  }

  /** Throws `overloaded` when every session is at work. */
  add(session: Session): void {
    this.#evict()
    this.#byToken.set(session.token, session)
    this.#byPayer.set(session.payer.toLowerCase(), session)
  }

  /** Throws `session_unknown` when the session ended while something else was awaited. */
  requireOpen(session: Session): void {
    this.find(session.token)
  }

  ofPayer(payer: Address): Session | undefined {
    return this.#byPayer.get(payer.toLowerCase())
  }

  all(): Session[] {
    return [...this.#byToken.values()]
  }

  /** Ends a session; its running calls are charged for what they delivered and aborted. */
  end(session: Session, cause: ParleyError): void {
    this.#byToken.delete(session.token)
    if (this.ofPayer(session.payer) === session) this.#byPayer.delete(session.payer.toLowerCase())
    for (const call of session.calls.values()) call.stop('cancelled', cause)
  }

  /** Least recently used first, which is the order of the map; stops at the first that is young while there is room. */
  #evict(): void {
    const { clock, sessionsMax, idleMs } = this.#options
    const oldest = clock.monotonic() - idleMs
    for (const session of this.#byToken.values()) {
      const hasRoom = this.#byToken.size < sessionsMax
      if (hasRoom && session.usedAt > oldest) return
      if (session.calls.size === 0) this.end(session, new ParleyError('session_unknown', 'the session was idle'))
    }
    if (this.#byToken.size < sessionsMax) return
    throw new ParleyError('overloaded', `${sessionsMax} sessions are at work; try again soon`, { retryAfterSeconds: 5 })
  }
}
