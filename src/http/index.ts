/** The fronts: OpenAI's routes for apps, the same routes for peers. */
export { type AdminRoute, type AdminRoutesOptions, adminRoutes, adminTable } from './admin/index.ts'
export type { Caller, Front } from './front.ts'
export type { ProxyLine } from './header-proxy/env.ts'
export { type HeaderProxy, type HeaderProxyOptions, startHeaderProxy } from './header-proxy/server.ts'
export { createLocalFront, type LocalFrontOptions } from './local.ts'
export type { MetricsRoute } from './metrics-route.ts'
export { createPeerFront, type PeerFrontOptions } from './peer.ts'
