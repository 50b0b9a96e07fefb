import { z } from 'zod'
import { alertsSection, mailSection } from './sections/alerts.ts'
import { cacheSection } from './sections/cache.ts'
import { chainSection, spendingSection, walletSection } from './sections/chain.ts'
import { endpointsSection } from './sections/endpoints.ts'
import { httpSection } from './sections/http.ts'
import { logSection } from './sections/log.ts'
import { managementSection } from './sections/management.ts'
import { nodeSection } from './sections/node.ts'
import { p2pSection } from './sections/p2p.ts'
import { providerSection } from './sections/provider.ts'
import { modelsSection, routingSection, timeoutsSection } from './sections/serving.ts'
import { archiveSection, redisSection, storeSection } from './sections/store.ts'
import { telemetrySection } from './sections/telemetry.ts'
import { uiSection } from './sections/ui.ts'
import { upstreamsSection } from './sections/upstreams.ts'

/** Every key there is, with its default and its description. Documentation, flags and variables are made from it. */
export const configSchema = z.strictObject({
  node: nodeSection.prefault({}),
  http: httpSection.prefault({}),
  chain: chainSection.prefault({}),
  wallet: walletSection.prefault({}),
  p2p: p2pSection.prefault({}),
  provider: providerSection.prefault({}),
  models: modelsSection.prefault({}),
  upstreams: upstreamsSection,
  endpoints: endpointsSection,
  cache: cacheSection.prefault({}),
  spending: spendingSection.prefault({}),
  routing: routingSection.prefault({}),
  timeouts: timeoutsSection.prefault({}),
  store: storeSection.prefault({}),
  archive: archiveSection.prefault({}),
  redis: redisSection.prefault({}),
  log: logSection.prefault({}),
  management: managementSection.prefault({}),
  ui: uiSection.prefault({}),
  telemetry: telemetrySection.prefault({}),
  alerts: alertsSection.prefault({}),
  mail: mailSection.prefault({}),
})

/** What a file, a profile or a test may say: everything is optional. */
export type ConfigInput = z.input<typeof configSchema>
export type ConfigValues = z.output<typeof configSchema>
