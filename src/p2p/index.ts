/** The libp2p node, HTTP over its streams, discovery. */
export { cidOf } from './discovery.ts'
export { httpProtocol, type OnConnection } from './http.ts'
export { createIdentity, type Identity, identityFromKey } from './identity.ts'
export { openIdentityFile } from './identity-file.ts'
export { dhtProtocol } from './libp2p.ts'
export { defaultLimits, type P2pLimits } from './limits.ts'
export {
  createPeerNode,
  type PeerDiscovery,
  type PeerNode,
  type PeerNodeOptions,
  type PeerNodeSettings,
  type ProviderRole,
  type UserRole,
} from './node.ts'
export type { PeerEvent } from './peers.ts'
export type { P2pStats, RejectReason } from './stats.ts'
export { type PeerTarget, parseTarget } from './target.ts'
