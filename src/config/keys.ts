import { z } from 'zod'
import { configSchema } from './schema.ts'

/** One thing that can be configured, under the names it has in a file, in the environment and on a command line. */
export interface ConfigKey {
  /** `http.port` */
  readonly path: string
  /** `PARLEY_HTTP_PORT` */
  readonly variable: string
  /** `--http-port`; secrets have none, since command lines are public. */
  readonly flag: string | undefined
  readonly kind: 'text' | 'number' | 'boolean' | 'list' | 'json'
  readonly choices: readonly string[] | undefined
  /** Undefined when nothing is set by default. */
  readonly fallback: unknown
  readonly description: string
  readonly isSecret: boolean
}

export interface ConfigSection {
  readonly path: string
  readonly description: string
  readonly keys: readonly ConfigKey[]
}

/** The sections of the schema in their order, each with its keys; a table inside a section is a section too. */
export const configSections: readonly ConfigSection[] = Object.entries(configSchema.shape).flatMap(([name, schema]) =>
  readSection(name, schema),
)

/** Every key, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = configSections.flatMap(section => section.keys)

function readSection(path: string, schema: z.ZodType): ConfigSection[] {
  const { inner, description } = unwrap(schema)
  if (!(inner instanceof z.ZodObject)) return [{ path, description, keys: [readKey(path, schema)] }]
  const keys: ConfigKey[] = []
  const nested: ConfigSection[] = []
  for (const [name, field] of Object.entries<z.ZodType>(inner.shape)) {
    const below = `${path}.${name}`
    if (unwrap(field).inner instanceof z.ZodObject) nested.push(...readSection(below, field))
    else keys.push(readKey(below, field))
  }
  return [{ path, description, keys }, ...nested]
}

function readKey(path: string, schema: z.ZodType): ConfigKey {
  const { inner, description, fallback, isSecret } = unwrap(schema)
  const name = path.replaceAll('.', '-').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  return {
    path,
    variable: `PARLEY_${name.replaceAll('-', '_').toUpperCase()}`,
    flag: isSecret ? undefined : `--${name}`,
    kind: kindOf(inner),
    choices: inner instanceof z.ZodEnum ? inner.options.map(String) : undefined,
    fallback,
    description,
    isSecret,
  }
}

function kindOf(schema: z.ZodType): ConfigKey['kind'] {
  if (schema instanceof z.ZodBoolean) return 'boolean'
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodArray)
    return unwrap(schema.element as z.ZodType).inner instanceof z.ZodObject ? 'json' : 'list'
  return schema instanceof z.ZodObject || schema instanceof z.ZodRecord ? 'json' : 'text'
}

/** The schema inside defaults and optionals, and what was said about it on the way. */
export function unwrap(schema: z.ZodType) {
  let inner = schema
  let description = ''
  let fallback: unknown
  let isSecret = false
  for (;;) {
    const meta = inner.meta()
    description ||= meta?.description ?? ''
    isSecret ||= meta?.secret === true
    if (inner instanceof z.ZodDefault) fallback = inner.def.defaultValue
    else if (!(inner instanceof z.ZodOptional || inner instanceof z.ZodPrefault)) break
    inner = inner.def.innerType as z.ZodType
  }
  return { inner, description, fallback, isSecret }
}
