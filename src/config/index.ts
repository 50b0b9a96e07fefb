/** Defaults, file, profile, environment and flags into one checked value. */
export type { ConfigProblem } from './check.ts'
export { deploymentRecord } from './deployment.ts'
export { type ConfigKey, type ConfigSection, configKeys, configSections } from './keys.ts'
export type { LayerName } from './layers.ts'
export { type Config, type ConfigSources, createConfig, type LoadedConfig, loadConfig, type Origin } from './load.ts'
export { createDirectories, type Paths, resolvePaths } from './paths.ts'
export type { ConfigInput, ConfigValues } from './schema.ts'
