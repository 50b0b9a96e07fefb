import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ParleyError } from '../core/index.ts'
import { checkLayers } from './check.ts'
import { deploymentLayer } from './deployment.ts'
import { importedDefaults, importedPort, importedUpstreams } from './imported.ts'
import { configKeys } from './keys.ts'
import { defaultLayer, environmentLayer, fileLayer, flagLayer, type Layer, type LayerName, valueAt } from './layers.ts'
import { type Paths, resolvePaths } from './paths.ts'
import type { ConfigInput, ConfigValues } from './schema.ts'

/** The whole configuration of a node, checked. Amounts are decimal strings in whole tokens. */
export type Config = Omit<ConfigValues, 'models'> & {
  readonly models: ConfigValues['models'] & { readonly directory: string }
  /** Where the node keeps its things; comes from the environment, not from a file. */
  readonly paths: Paths
}

export interface ConfigSources {
  readonly env: NodeJS.ProcessEnv
  /** By the path of the key: `{ 'http.port': '9000' }`. */
  readonly flags?: Readonly<Record<string, unknown>>
  /** The file to read instead of the usual one; then it must exist. */
  readonly file?: string | undefined
  /** A file in the profiles directory, without `.toml`. */
  readonly profile?: string | undefined
}

/** Where a value comes from: the layer, and the file, variable or flag in it. */
export interface Origin {
  readonly layer: LayerName
  readonly where: string
}

export interface LoadedConfig {
  readonly config: Config
  /** By the path of the key. */
  readonly origins: ReadonlyMap<string, Origin>
}

/** Defaults, then file, profile, environment and flags, each winning over those before, into one checked value. */
export function loadConfig({ env, flags = {}, file, profile }: ConfigSources): LoadedConfig {
  const usual = resolvePaths(env)
  const paths = file === undefined ? usual : { ...usual, configFile: resolve(file) }
  if (file !== undefined) mustExist(paths.configFile, 'configuration file')
  const said: Layer[] = [fileLayer('file', paths.configFile)]
  const profileName = profile ?? env.PARLEY_PROFILE
  if (profileName) said.push(profileLayer(paths, profileName))
  said.push(...importedPort(env), environmentLayer(env), flagLayer(flags))
  const layers = [
    ...[defaultLayer, ...importedDefaults(env), ...recordLayers(said)],
    ...[...said, ...importedUpstreams(env, said)],
  ]
  return { config: finish(checkLayers(layers), paths), origins: originsOf(layers) }
}

/** A configuration from a value instead of files: for programs and tests. */
export function createConfig(input: ConfigInput, paths: Paths): Config {
  const layer: Layer = { name: 'flag', tree: { ...input }, where: () => 'configuration' }
  return finish(checkLayers([...recordLayers([layer]), layer]), paths)
}

function finish(values: ConfigValues, paths: Paths): Config {
  return { ...values, models: { ...values.models, directory: values.models.directory ?? paths.modelsDirectory }, paths }
}

/** A relative record starts at the file that names it; one of a variable or a flag where the command runs. */
function recordLayers(said: readonly Layer[]): Layer[] {
  const layer = said.findLast(({ tree }) => valueAt(tree, recordKey) !== undefined)
  const record = layer && valueAt(layer.tree, recordKey)
  if (layer === undefined || typeof record !== 'string') return []
  const isFile = layer.name === 'file' || layer.name === 'profile'
  return [deploymentLayer(resolve(isFile ? dirname(layer.where(recordKey)) : '.', record))]
}

const recordKey = 'chain.deployment'

function originsOf(layers: readonly Layer[]): ReadonlyMap<string, Origin> {
  return new Map(
    configKeys.map(({ path }) => {
      const layer = layers.findLast(({ tree }) => valueAt(tree, path) !== undefined) ?? defaultLayer
      return [path, { layer: layer.name, where: layer.where(path) }]
    }),
  )
}

function profileLayer(paths: Paths, name: string): Layer {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new ParleyError('config_invalid', `'${name}' is not the name of a profile: letters, digits and . _ - only`)
  }
  const file = join(paths.profilesDirectory, `${name}.toml`)
  mustExist(file, `profile '${name}'`)
  return fileLayer('profile', file)
}

function mustExist(file: string, what: string): void {
  if (existsSync(file)) return
  throw new ParleyError('config_invalid', `${what} ${file} does not exist; create it or leave the option out`, {
    details: { file },
  })
}
