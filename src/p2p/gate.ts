import { type BlockList, isIPv6 } from 'node:net'
import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
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
  const { limits, counters, clock } = options
  const trusted = trustedNetworks(options.trusted)
  const pending = new Set<MultiaddrConnection>()
  const pendingByIp = new Tally()
  const openByIp = new Tally()
  const openByPeer = new Tally()
  const recentByIp = new Tally()
  let open = 0
  let second = 0

  const deny = (reason: RejectReason) => {
    counters.rejected[reason]++
    return true
  }

  const reasonBeforeHandshake = (ip: string): RejectReason | undefined => {
    if (open >= limits.connectionsMax) return 'connections'
    if (pending.size >= limits.pendingMax) return 'pending'
    if (trusted.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')) return undefined
    const now = Math.floor(clock.monotonic() / 1_000)
    if (now !== second) recentByIp.clear()
    second = now
    if (recentByIp.add(ip) > limits.connectionsPerIpPerSecondMax) return 'connection_rate'
    if (pendingByIp.of(ip) >= limits.pendingPerIpMax) return 'pending_per_ip'
    return openByIp.of(ip) >= limits.connectionsPerIpMax ? 'connections_per_ip' : undefined
  }

  const admit = (connection: MultiaddrConnection, ip: string) => {
    open++
    pending.add(connection)
    pendingByIp.add(ip)
    openByIp.add(ip)
    connection.addEventListener('close', () => {
      open--
      openByIp.remove(ip)
      if (!pending.delete(connection)) return
      pendingByIp.remove(ip)
      counters.rejected.handshake++
    })
  }

  return {
    ...(!options.dialPrivate && { denyDialMultiaddr: leadsToPrivate }),
    denyInboundConnection: connection => {
      const ip = ipOf(connection)
      const reason = reasonBeforeHandshake(ip)
      if (reason) return deny(reason)
      admit(connection, ip)
      return false
    },
    denyInboundEncryptedConnection: (peer: PeerId, connection) => {
      const id = peer.toString()
      if (pending.delete(connection)) pendingByIp.remove(ipOf(connection))
      if (openByPeer.of(id) >= limits.connectionsPerPeerMax) return deny('connections_per_peer')
      if (connection.status !== 'open') return false
      openByPeer.add(id)
      connection.addEventListener('close', () => openByPeer.remove(id))
      return false
    },
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
