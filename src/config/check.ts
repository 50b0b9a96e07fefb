import { z } from 'zod'
import { ParleyError } from '../core/index.ts'
import { configKeys, unwrap } from './keys.ts'
import { isTree, type Layer, mergeTrees, type Tree, valueAt } from './layers.ts'
import { nearest } from './nearest.ts'
import { type ConfigValues, configSchema } from './schema.ts'

/** One thing that is wrong: where it was said, what it is, and what was probably meant. */
export interface ConfigProblem {
  readonly where: string
  readonly key: string
  readonly message: string
  readonly nearest?: string
}

/** The values the layers make together. Every problem is named at once, each with the place it comes from. */
export function checkLayers(layers: readonly Layer[]): ConfigValues {
  const tree = mergeTrees(layers.map(layer => layer.tree))
  const result = configSchema.safeParse(tree)
  if (result.success) return result.data
  const problems = result.error.issues.flatMap(issue => problemsOf(issue, layers)).slice(0, 50)
  const [first, ...others] = problems.map(({ where, message }) => `${where}: ${message}`)
  const more = others.length === 0 ? '' : `\n${others.join('\n')}`
  throw new ParleyError('config_invalid', `${first}${more}`, { cause: result.error, details: { problems } })
}

function problemsOf(issue: z.core.$ZodIssue, layers: readonly Layer[]): ConfigProblem[] {
  const path = issue.path.map(String)
  if (issue.code !== 'unrecognized_keys') {
    const key = path.join('.')
    return [{ where: whereOf(key, layers), key, message: `${shown(key)} ${sentence(issue)}` }]
  }
  return issue.keys.map(name => {
    const key = [...path, name].join('.')
    const near = nearest(key, candidates(path))
    return {
      where: whereOf(key, layers),
      key,
      message: `${shown(key)} is not a known key; ${near ? `did you mean ${shown(near)}?` : 'remove it'}`,
      ...(near && { nearest: near }),
    }
  })
}

/** The full paths a key at this place may have: its neighbours first, then every other key. */
function candidates(path: readonly string[]): string[] {
  let schema: z.ZodType = configSchema
  for (const part of path) {
    const { inner } = unwrap(schema)
    if (inner instanceof z.ZodObject) schema = inner.shape[part] as z.ZodType
    else if (inner instanceof z.ZodArray) schema = inner.element as z.ZodType
    else if (inner instanceof z.ZodRecord) schema = inner.valueType as z.ZodType
  }
  const { inner } = unwrap(schema)
  const neighbours = inner instanceof z.ZodObject ? Object.keys(inner.shape) : []
  return [...neighbours.map(name => [...path, name].join('.')), ...configKeys.map(key => key.path)]
}

function whereOf(key: string, layers: readonly Layer[]): string {
  const layer = layers.findLast(({ tree }) => hasPart(tree, key))
  return (layer ?? layers[0])?.where(key) ?? 'configuration'
}

/** Whether the tree says anything on the way to the key: inside a list the path ends at the list. */
function hasPart(tree: Tree, key: string): boolean {
  const parts = key.split('.')
  for (let length = parts.length; length > 0; length--) {
    const value = valueAt(tree, parts.slice(0, length).join('.'))
    if (value !== undefined) return length === parts.length || !isTree(value)
  }
  return false
}

export function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom' || issue.message.startsWith('is ')) return issue.message
  if (issue.code === 'invalid_type') {
    return issue.input === undefined && issue.message.endsWith('received undefined')
      ? 'is missing'
      : `is not ${article(issue.expected)}`
  }
  if (issue.code === 'invalid_value') return `is none of ${issue.values.map(value => JSON.stringify(value)).join(', ')}`
  if (issue.code === 'too_small') return `is too small: give at least ${issue.minimum}`
  if (issue.code === 'too_big') return `is too large: give at most ${issue.maximum}`
  return issue.message
}

/** `upstreams.0.url` as people write it: `upstreams[0].url`. */
export function shown(key: string): string {
  return key.replaceAll(/\.(\d+)(?=\.|$)/g, '[$1]')
}

function article(type: string): string {
  const names: Readonly<Record<string, string>> = {
    int: 'a whole number',
    number: 'a number',
    string: 'a text in quotes',
    boolean: 'true or false',
    array: 'a list',
    object: 'a table',
    record: 'a table',
  }
  return names[type] ?? `a ${type}`
}
