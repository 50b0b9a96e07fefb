/** Defaults, file, profile, environment and flags into one checked value. */
export type { ConfigProblem } from './check.ts'
export { deploymentRecord } from './deployment.ts'
export { exampleConfig, inline } from './example.ts'
export { importedCallerKey } from './imported.ts'
export { type ConfigKey, type ConfigSection, configKeys, configSections } from './keys.ts'
export type { LayerName } from './layers.ts'
export { type Config, type ConfigSources, createConfig, type LoadedConfig, loadConfig, type Origin } from './load.ts'
export { nearest } from './nearest.ts'
export { createDirectories, type Paths, resolvePaths } from './paths.ts'
export type { ConfigInput, ConfigValues } from './schema.ts'
export {
  mailPassword,
  masterKey,
  metricsToken,
  otlpToken,
  redisUrl,
  storePlace,
  walletPassword,
  walletPrivateKey,
  webhookSecret,
} from './secrets.ts'
export type { ModelPrice } from './sections/upstreams.ts'
export {
  type EndpointConfig,
  endpointsOf,
  routingOf,
  type StoredUpstream,
  storedRouting,
  type UpstreamConfig,
  upstreamOf,
} from './stored.ts'
export { parseToml, toToml } from './toml.ts'
export { type KeyPlace, upstreamKey } from './upstream-key.ts'
