/** Why a connection or a stream was turned away. */
export type RejectReason =
  | 'connections'
  | 'connections_per_peer'
  | 'connections_per_ip'
  | 'connection_rate'
  | 'pending'
  | 'pending_per_ip'
  | 'handshake'
  | 'streams_per_peer'
  | 'buffered_bytes'

/** What the node is doing, for metrics. Counts only grow, except those that say `open`. */
export interface P2pStats {
  readonly connectionsIn: number
  readonly connectionsOut: number
  readonly connectionsInOpen: number
  readonly connectionsOutOpen: number
  readonly streamsIn: number
  readonly streamsOut: number
  readonly streamsOpen: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly rejected: Readonly<Record<RejectReason, number>>
}

export interface Counters {
  connectionsIn: number
  connectionsOut: number
  streamsIn: number
  streamsOut: number
  bytesIn: number
  bytesOut: number
  rejected: Record<RejectReason, number>
}

export function createCounters(): Counters {
  const rejected: Record<RejectReason, number> = {
    connections: 0,
    connections_per_peer: 0,
    connections_per_ip: 0,
    connection_rate: 0,
    pending: 0,
    pending_per_ip: 0,
    handshake: 0,
    streams_per_peer: 0,
    buffered_bytes: 0,
  }
  return { connectionsIn: 0, connectionsOut: 0, streamsIn: 0, streamsOut: 0, bytesIn: 0, bytesOut: 0, rejected }
}
