import { parseToml, toToml } from '../../config/index.ts'
import { ParleyError } from '../../core/index.ts'
import type { FileEdit, Format, Json, Tree } from './app.ts'
import { isSame, mergeJsonc, parseJsonc } from './jsonc.ts'
import { envValue, isTree, toYaml } from './quote.ts'

/** A file that holds these values and nothing else. */
export function render({ format, merge }: Pick<FileEdit, 'format' | 'merge'>): string {
  return formats[format].render(merge)
}

/**
 * The text of a file with these values in it and everything else as it was. Throws `conflict`, with the reason alone as
 * message, where that cannot be promised.
 */
export function merged({ format, merge }: Pick<FileEdit, 'format' | 'merge'>, before: string): string {
  return formats[format].merge(before, merge)
}

interface FormatRules {
  readonly render: (values: Tree) => string
  readonly merge: (before: string, values: Tree) => string
}

const formats: Readonly<Record<Format, FormatRules>> = {
  json: { render: values => `${JSON.stringify(values, null, 2)}\n`, merge: mergeJson },
  toml: { render: values => `${toToml(values).trim()}\n`, merge: mergeToml },
  yaml: { render: values => `${toYaml(values)}\n`, merge: mergeYaml },
  env: { render: values => envLines(values), merge: mergeEnv },
}

function mergeJson(before: string, values: Tree): string {
  if (before.trim() === '') return formats.json.render(values)
  const after = mergeJsonc(before, values)
  return verified(after, parseJsonc(after), deepMerge(parseJsonc(before), values))
}

/** Our table takes the place of an older one of that name, else it goes to the end, where it cuts no table in two. */
function mergeToml(before: string, values: Tree): string {
  const there = readToml(before)
  const wanted = deepMerge(there, values)
  if (isSame(there, wanted)) return before
  const text = formats.toml.render(values)
  const lines = before.split('\n')
  const from = lines.findIndex(line => line.trim() === text.split('\n')[0])
  const after =
    from === -1 ? appended(before, text) : lines.toSpliced(from, tableLength(lines, from), text.trimEnd()).join('\n')
  return verified(after, readToml(after), wanted)
}

function appended(before: string, text: string): string {
  return before.trim() === '' ? text : `${before.trimEnd()}\n\n${text}`
}

/** Lines from the header of a table to its last value. What stands below, as a comment on the next one, is not of it. */
function tableLength(lines: readonly string[], from: number): number {
  const next = lines.findIndex((line, index) => index > from && /^\s*\[/.test(line))
  const table = lines.slice(from, next === -1 ? lines.length : next)
  const length = table.findLastIndex(line => !/^\s*(?:#|$)/.test(line)) + 1
  if (!table.slice(0, length).some(line => line.includes('#'))) return length
  throw new ParleyError('conflict', `editing ${lines[from]!.trim()} would lose its comments`)
}

function readToml(text: string): Json {
  try {
    return parseToml(text) as Json
  } catch (cause) {
    throw new ParleyError('conflict', 'it cannot be read as TOML', { cause })
  }
}

/** Nothing here can rewrite YAML and keep its comments. */
function mergeYaml(before: string, values: Tree): string {
  if (before.trim() === '' || before === formats.yaml.render(values)) return formats.yaml.render(values)
  throw new ParleyError('conflict', 'editing YAML would lose its comments')
}

function mergeEnv(before: string, values: Tree): string {
  const lines = before.split('\n')
  const missing: Record<string, Json> = {}
  for (const [name, value] of Object.entries(values)) {
    const at = lines.findLastIndex(line => new RegExp(String.raw`^\s*(?:export\s+)?${name}\s*=`).test(line))
    const line = `${name}=${envValue(String(value))}`
    if (at === -1) missing[name] = value
    else if (lines[at]!.replace(/^\s*export\s+/, '').trim() !== line) lines[at] = line
  }
  const kept = lines.join('\n')
  if (Object.keys(missing).length === 0) return kept
  return `${kept}${kept === '' || kept.endsWith('\n') ? '' : '\n'}${envLines(missing)}`
}

function envLines(values: Tree): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${envValue(String(value))}\n`)
    .join('')
}

/** What was made is read again: an edit that did anything else than was meant is not made. */
function verified(after: string, made: Json, wanted: Json): string {
  if (isSame(made, wanted)) return after
  throw new ParleyError('conflict', 'it is written in a way that cannot be edited safely')
}

function deepMerge(into: Json | undefined, values: Tree): Tree {
  const result: Record<string, Json> = isTree(into) ? { ...into } : {}
  for (const [name, value] of Object.entries(values)) {
    result[name] = isTree(value) ? deepMerge(result[name], value) : value
  }
  return result
}
