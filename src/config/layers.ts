import { existsSync, readFileSync } from 'node:fs'
import { parse, TomlError } from 'smol-toml'
import { ParleyError } from '../core/index.ts'
import { type ConfigKey, configKeys, configSections } from './keys.ts'
import { nearest } from './nearest.ts'

export type LayerName = 'default' | 'file' | 'profile' | 'deployment' | 'environment' | 'flag'

export type Tree = { [key: string]: unknown }

/** One source of configuration. `where` names, for a key, the exact place a person would look. */
export interface Layer {
  readonly name: LayerName
  readonly tree: Tree
  readonly where: (path: string) => string
}

/** A TOML file. Secrets are refused: files get copied, committed and backed up. */
export function fileLayer(name: 'file' | 'profile', file: string): Layer {
  const tree = readToml(file)
  for (const { path, isSecret, variable } of configKeys) {
    if (!isSecret || valueAt(tree, path) === undefined) continue
    throw new ParleyError(
      'config_invalid',
      `${file}: ${path} is a secret and does not belong into a file that gets copied; use ${path}File, ${variable} or ${variable}_FILE`,
      { details: { key: path, file } },
    )
  }
  return { name, tree, where: () => file }
}

/** `PARLEY_<SECTION>_<KEY>` variables. One that looks like ours and is not known is an error, as in a file. */
export function environmentLayer(env: NodeJS.ProcessEnv): Layer {
  const byVariable = new Map(configKeys.map(key => [key.variable, key]))
  const prefixes = configSections.map(({ path }) => `PARLEY_${path.split('.')[0]!.toUpperCase()}_`)
  const values: [ConfigKey, unknown][] = []
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || text === '') continue
    const key = byVariable.get(variable)
    if (key !== undefined) values.push([key, fromText(key, text, variable)])
    else if (prefixes.some(prefix => variable.startsWith(prefix)))
      throw unknownVariable(variable, [...byVariable.keys()])
  }
  return { name: 'environment', tree: plant(values), where: path => keyAt(path)?.variable ?? 'the environment' }
}

/** Flags by the path of their key, as text or as the boolean of a switch. */
export function flagLayer(flags: Readonly<Record<string, unknown>>): Layer {
  const values = Object.entries(flags).map(([path, value]): [ConfigKey, unknown] => {
    const key = keyAt(path)
    if (key?.flag === undefined) throw new ParleyError('usage', `${path} cannot be given on the command line`)
    return [key, typeof value === 'string' ? fromText(key, value, key.flag) : value]
  })
  return { name: 'flag', tree: plant(values), where: path => keyAt(path)?.flag ?? 'the command line' }
}

export const defaultLayer: Layer = { name: 'default', tree: {}, where: () => 'default' }

/** The key a path belongs to: itself or, inside a list or a record, the key that holds it. */
export function keyAt(path: string): ConfigKey | undefined {
  return configKeys.find(key => path === key.path || path.startsWith(`${key.path}.`))
}

export function valueAt(tree: Tree, path: string): unknown {
  let value: unknown = tree
  for (const part of path.split('.')) {
    if (!isTree(value) || !Object.hasOwn(value, part)) return undefined
    value = value[part]
  }
  return value
}

/** Later trees win, key by key; a list or record that is one key is replaced whole. */
export function mergeTrees(trees: readonly Tree[], prefix = ''): Tree {
  const names = new Set(trees.flatMap(tree => Object.keys(tree)))
  return Object.fromEntries(
    [...names].map(name => {
      const path = `${prefix}${name}`
      const values = trees.filter(tree => Object.hasOwn(tree, name)).map(tree => tree[name])
      const isBranch = values.every(isTree) && !configKeys.some(key => key.path === path)
      return [name, isBranch ? mergeTrees(values, `${path}.`) : values.at(-1)]
    }),
  )
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

function readToml(file: string): Tree {
  if (!existsSync(file)) return {}
  try {
    return parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    const at = cause instanceof TomlError ? `${file}:${cause.line}` : file
    const why = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause)
    throw new ParleyError('config_invalid', `${at} cannot be read: ${why}`, { cause, details: { file } })
  }
}

function plant(values: readonly (readonly [ConfigKey, unknown])[]): Tree {
  return mergeTrees(
    values.map(
      ([key, value]) => key.path.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), value) as Tree,
    ),
  )
}

function fromText(key: ConfigKey, text: string, where: string): unknown {
  if (key.kind === 'text') return text
  if (key.kind === 'number') return /^-?\d+$/.test(text.trim()) ? Number(text) : text
  if (key.kind === 'boolean') return switches[text.trim().toLowerCase()] ?? text
  if (key.kind === 'list' && !/^\s*\[/.test(text)) {
    return text
      .split(',')
      .map(item => item.trim())
      .filter(item => item !== '')
  }
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new ParleyError('config_invalid', `${where}: ${key.path} is not valid JSON`, {
      cause,
      details: { key: key.path },
    })
  }
}

const switches: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
}

function unknownVariable(variable: string, known: readonly string[]): ParleyError {
  const near = nearest(variable, known)
  return new ParleyError(
    'config_invalid',
    `${variable} is not a variable this node knows${near ? `; did you mean ${near}?` : '; unset it'}`,
    { details: { variable, ...(near && { nearest: near }) } },
  )
}
