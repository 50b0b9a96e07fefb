import { type BlockList, isIPv6 } from 'node:net'
import type { ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import { type Clock, ParleyError } from '../core/index.ts'
import type { P2pLimits } from './limits.ts'
import { leadsToPrivate, networkList } from './private-networks.ts'
import type { Counters, RejectReason } from './stats.ts'
import { Tally } from './tally.ts'

export interface GateOptions {
  readonly limits: P2pLimits
  readonly counters: Counters
  readonly clock: Clock
  /** Networks the limits per address do not apply to, in CIDR form. */
  readonly trusted: readonly string[]
  /** Whether addresses of the own network may be dialled; where peers are strangers, they could point a node at it. */
  readonly dialPrivate: boolean
}

/**
 * Decides who gets in. It counts by address before the handshake, when nothing else is known and a cheap flood must stay
 * cheap, and by peer after it. What it admitted is forgotten when the connection closes, whatever the reason.
 */
export function connectionGate(options: GateOptions): ConnectionGater {
  const gate = new Gate(options)
  return {
    ...(!options.dialPrivate && { denyDialMultiaddr: leadsToPrivate }),
    denyInboundConnection: connection => gate.denies(connection),
    denyInboundEncryptedConnection: (peer, connection) => gate.deniesPeer(peer.toString(), connection),
  }
}

class Gate {
  readonly #limits: P2pLimits
  readonly #counters: Counters
  readonly #clock: Clock
  readonly #trusted: BlockList
  readonly #pending = new Set<MultiaddrConnection>()
  readonly #pendingByIp = new Tally()
  readonly #openByIp = new Tally()
  readonly #openByPeer = new Tally()
  readonly #recentByIp = new Tally()
  #open = 0
  #second = 0

  constructor({ limits, counters, clock, trusted }: GateOptions) {
    this.#limits = limits
    this.#counters = counters
    this.#clock = clock
    this.#trusted = trustedNetworks(trusted)
  }

  denies(connection: MultiaddrConnection): boolean {
    const ip = ipOf(connection)
    const reason = this.#reasonAgainst(ip)
    if (reason) this.#counters.rejected[reason]++
    else this.#admit(connection, ip)
    return reason !== undefined
  }

  deniesPeer(peerId: string, connection: MultiaddrConnection): boolean {
    if (this.#pending.delete(connection)) this.#pendingByIp.remove(ipOf(connection))
    if (connection.status !== 'open') return false
    if (this.#openByPeer.of(peerId) >= this.#limits.connectionsPerPeerMax) {
      this.#counters.rejected.connections_per_peer++
      return true
    }
    this.#openByPeer.add(peerId)
    connection.addEventListener('close', () => this.#openByPeer.remove(peerId))
    return false
  }

  #reasonAgainst(ip: string): RejectReason | undefined {
    const limits = this.#limits
    if (this.#open >= limits.connectionsMax) return 'connections'
    if (this.#pending.size >= limits.pendingMax) return 'pending'
    if (this.#trusted.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')) return undefined
    const second = Math.floor(this.#clock.monotonic() / 1_000)
    if (second !== this.#second) this.#recentByIp.clear()
    this.#second = second
    if (this.#recentByIp.add(ip) > limits.connectionsPerIpPerSecondMax) return 'connection_rate'
    if (this.#pendingByIp.of(ip) >= limits.pendingPerIpMax) return 'pending_per_ip'
    return this.#openByIp.of(ip) >= limits.connectionsPerIpMax ? 'connections_per_ip' : undefined
  }

  #admit(connection: MultiaddrConnection, ip: string): void {
    this.#open++
    this.#pending.add(connection)
    this.#pendingByIp.add(ip)
    this.#openByIp.add(ip)
    connection.addEventListener('close', () => {
      this.#open--
      this.#openByIp.remove(ip)
      if (!this.#pending.delete(connection)) return
      this.#pendingByIp.remove(ip)
      this.#counters.rejected.handshake++
    })
  }
}

function ipOf(connection: MultiaddrConnection): string {
  return connection.remoteAddr.getComponents()[0]?.value ?? 'unknown'
}

function trustedNetworks(networks: readonly string[]): BlockList {
  try {
    return networkList(networks)
  } catch (cause) {
    const given = networks.join(', ')
    throw new ParleyError('config_invalid', `'${given}' is not a list of networks like 127.0.0.0/8`, { cause })
  }
}
