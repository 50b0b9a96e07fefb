import type { Json, Tree } from './app.ts'

/** One word of a POSIX shell, whatever is in it. */
export function shellWord(text: string): string {
  return isPlain(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** `export` of several variables, one per line. */
export function exports(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellWord(value)}`)
    .join('\n')
}

/** A value of a `.env` file. Single quotes are taken literally by every reader of such files. */
export function envValue(text: string): string {
  if (isPlain(text)) return text
  return text.includes("'") ? JSON.stringify(text) : `'${text}'`
}

/** A string as JavaScript, Python and JSON write it. */
export function literal(text: string): string {
  return JSON.stringify(text)
}

const isPlain = (text: string) => /^[\w./:@%+,=-]+$/.test(text)

/** A block of YAML. Strings that could be read as anything else are quoted as in JSON, which YAML takes. */
export function toYaml(value: Tree, indent = ''): string {
  return Object.entries(value)
    .map(([name, field]) => `${indent}${scalar(name)}:${yamlField(field, indent)}`)
    .join('\n')
}

function yamlField(value: Json, indent: string): string {
  if (typeof value !== 'object' || value === null) return ` ${scalar(value)}`
  if (isList(value))
    return value.length === 0 ? ' []' : `\n${value.map(item => yamlItem(item, `${indent}  `)).join('\n')}`
  return Object.keys(value).length === 0 ? ' {}' : `\n${toYaml(value, `${indent}  `)}`
}

function yamlItem(item: Json, indent: string): string {
  if (typeof item !== 'object' || item === null || isList(item)) return `${indent}-${yamlField(item, indent)}`
  return `${indent}- ${toYaml(item, `${indent}  `).trimStart()}`
}

function scalar(value: string | number | boolean | null): string {
  return typeof value === 'string' && /^[A-Za-z][\w./ -]*\w$/.test(value) && !yamlWords.test(value)
    ? value
    : JSON.stringify(value)
}

const yamlWords = /^(true|false|yes|no|on|off|null)$/i

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

export function isTree(value: Json | undefined): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
