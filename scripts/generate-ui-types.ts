import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { EventLog, Management } from '../src/core/index.ts'
import { type AdminRoutesOptions, adminTable } from '../src/http/admin/index.ts'
import { documentOf, type OpenApi, type Operation } from '../src/http/admin/openapi.ts'

/**
 * Writes what `/api` takes and answers as TypeScript types for the pages, made of the same table as the OpenAPI document.
 * With `--check` it writes nothing and fails when the file differs.
 */
async function main(isCheck: boolean): Promise<void> {
  const path = fileURLToPath(new URL('../src/ui/client/generated/api.ts', import.meta.url))
  const wanted = source(documentOf(adminTable(describedAlone()), '0'))
  if ((await readFile(path, 'utf8').catch(() => '')) === wanted) return
  if (isCheck) {
    console.error(
      'src/ui/client/generated/api.ts differs from the routes; run npm run generate:ui and commit the result',
    )
    process.exitCode = 1
    return
  }
  await mkdir(fileURLToPath(new URL('.', `file://${path}`)), { recursive: true })
  await writeFile(path, wanted)
  console.error('written: src/ui/client/generated/api.ts')
}

/** The table is only read here: nothing behind it is ever asked. */
function describedAlone(): AdminRoutesOptions {
  const parts = { management: {} as Management, log: {} as EventLog, reload: async () => ({}), status: () => ({}) }
  return { ...parts, explain: async () => {} } as unknown as AdminRoutesOptions
}

type Schema = Readonly<Record<string, unknown>>

function source(document: OpenApi): string {
  const named = Object.entries(document.components.schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const types = named.map(([name, schema]) => `export type ${name} = ${typeOf(schema)}`)
  const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const name = `${method.toUpperCase()} ${path.slice('/api'.length).replaceAll(/\{(\w+)\}/g, ':$1')}`
      return `  '${name}': ${routeOf(operation)}`
    }),
  )
  return [
    '// Generated from the table of routes by npm run generate:ui. Do not edit.',
    ...types,
    '/** What each route below /api takes and answers. */',
    `export interface ApiRoutes {\n${routes.toSorted().join('\n')}\n}`,
    '',
  ].join('\n\n')
}

function routeOf({ parameters, requestBody, responses }: Operation): string {
  const query = parameters.filter(parameter => parameter.in === 'query')
  const fields = query.map(({ name, required, schema }) => `${name}${required ? '' : '?'}: ${inQuery(schema)}`)
  const path = parameters.filter(parameter => parameter.in === 'path').map(({ name }) => `${name}: string`)
  const answer = Object.entries(responses).find(([status]) => status !== 'default')?.[1].content
  const body = requestBody === undefined ? undefined : jsonOf(requestBody.content)
  return `{ ${[
    `params: ${object(path)}`,
    `query: ${object(fields)}`,
    `body: ${body === undefined ? 'undefined' : body}`,
    `answer: ${answer === undefined ? 'undefined' : jsonOf(answer)}`,
  ].join('; ')} }`
}

function object(fields: readonly string[]): string {
  return fields.length === 0 ? 'Record<never, never>' : `{ ${fields.join('; ')} }`
}

function jsonOf(content: Schema): string {
  const { schema } = (content['application/json'] ?? {}) as { schema?: Schema }
  return schema === undefined ? 'unknown' : typeOf(schema)
}

/** A query holds texts; numbers are written as such for convenience. */
function inQuery(schema: Schema): string {
  const type = typeOf(schema)
  return /^(?:string|unknown)$/.test(type) ? 'string | number' : type
}

function typeOf(schema: Schema): string {
  const { $ref, anyOf, oneOf, allOf, enum: values, type } = schema
  if (typeof $ref === 'string') return $ref.slice($ref.lastIndexOf('/') + 1)
  if ('const' in schema) return JSON.stringify(schema.const)
  if (Array.isArray(values)) return values.map(value => JSON.stringify(value)).join(' | ')
  if (Array.isArray(anyOf)) return union(anyOf as Schema[])
  if (Array.isArray(oneOf)) return union(oneOf as Schema[])
  if (Array.isArray(allOf) && type === undefined) return (allOf as Schema[]).map(typeOf).join(' & ')
  if (Array.isArray(type)) return union(type.map(each => ({ ...schema, type: each })))
  switch (type) {
    case 'string':
      return 'string'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'null':
      return 'null'
    case 'array':
      return `readonly (${typeOf((schema.items ?? {}) as Schema)})[]`
    case 'object':
      return objectOf(schema)
    default:
      return 'unknown'
  }
}

function union(schemas: readonly Schema[]): string {
  return [...new Set(schemas.map(typeOf))].join(' | ')
}

function objectOf(schema: Schema): string {
  const { properties, additionalProperties, required = [] } = schema
  const isNeeded = new Set(required as string[])
  const fields = Object.entries((properties ?? {}) as Record<string, Schema>).map(
    ([name, each]) => `${/^\w+$/.test(name) ? name : `'${name}'`}${isNeeded.has(name) ? '' : '?'}: ${typeOf(each)}`,
  )
  const isOpen = typeof additionalProperties === 'object' && Object.keys(additionalProperties ?? {}).length > 0
  if (fields.length === 0) return `Record<string, ${isOpen ? typeOf(additionalProperties as Schema) : 'unknown'}>`
  return `{ ${fields.join('; ')} }`
}

await main(process.argv.includes('--check'))
