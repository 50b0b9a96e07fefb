import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/** OpenAI's published schemas, and which of them an answer must fit. */
const file = new URL('fixtures/openai-schemas.json', import.meta.url)
const { schemas } = JSON.parse(readFileSync(file, 'utf8')) as { schemas: Record<string, unknown> }

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false })
ajv.addSchema({ $id: 'openai', components: { schemas: withNulls(schemas) } })
const compiled = new Map<string, ValidateFunction>()

/** The first way in which a value does not fit a schema; undefined when it fits. */
export function misfit(schema: string, value: unknown): string | undefined {
  const validate = compiled.get(schema) ?? ajv.compile({ $ref: `openai#/components/schemas/${schema}` })
  compiled.set(schema, validate)
  if (validate(value)) return undefined
  return `${schema}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`
}

/** Parts of the document are in the older dialect, where `nullable` says what `anyOf` with null says today. */
function withNulls(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withNulls)
  if (typeof schema !== 'object' || schema === null) return schema
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(schema).map(([name, part]) => [name, withNulls(part)]),
  )
  return nullable === true ? { anyOf: [rest, { type: 'null' }] } : rest
}

interface Answer {
  readonly path: string
  readonly status: number
  readonly type: string
  readonly text: string
}

const bodies: readonly [RegExp, string][] = [
  [/\/chat\/completions$/, 'CreateChatCompletionResponse'],
  [/\/completions$/, 'CreateCompletionResponse'],
  [/\/embeddings$/, 'CreateEmbeddingResponse'],
  [/\/responses$/, 'Response'],
  [/\/models$/, 'ListModelsResponse'],
  [/\/models\/.+$/, 'Model'],
]

const events: readonly [RegExp, string][] = [
  [/\/chat\/completions$/, 'CreateChatCompletionStreamResponse'],
  [/\/completions$/, 'CreateCompletionResponse'],
  [/\/responses$/, 'ResponseStreamEvent'],
]

/** Everything in an answer that does not fit what OpenAI has published for its route. */
export function misfits({ path, status, type, text }: Answer): string[] {
  if (status >= 400) return found(misfit('ErrorResponse', JSON.parse(text)))
  if (!type.startsWith('text/event-stream')) return found(misfit(schemaOf(bodies, path), plainEmbeddings(text)))
  const schema = schemaOf(events, path)
  return dataOf(text).flatMap(data => {
    const event = JSON.parse(data, schema === 'CreateCompletionResponse' ? withReason : undefined)
    return found(misfit(event.error === undefined ? schema : errorOf(path), event))
  })
}

/** Completions are published as whole bodies only, in which every choice has come to its end. */
function withReason(name: string, value: unknown): unknown {
  return name === 'finish_reason' && value === null ? 'stop' : value
}

/** The `data:` of each event; the marker at the end is no event. */
export function dataOf(stream: string): string[] {
  const data = stream.split('\n\n').flatMap(event => event.split('\n').filter(line => line.startsWith('data: ')))
  return data.map(line => line.slice('data: '.length)).filter(payload => payload !== '[DONE]')
}

function errorOf(path: string): string {
  return path.endsWith('/responses') ? 'ResponseStreamEvent' : 'ErrorResponse'
}

function schemaOf(table: readonly [RegExp, string][], path: string): string {
  const schema = table.find(([route]) => route.test(path))?.[1]
  if (schema === undefined) throw new Error(`no schema is known for ${path}`)
  return schema
}

function found(problem: string | undefined): string[] {
  return problem === undefined ? [] : [problem]
}

/** The published schema knows embeddings as numbers only; what the SDKs ask for is their bytes in base64. */
function plainEmbeddings(text: string): unknown {
  return JSON.parse(text, (name, value) => {
    if (name !== 'embedding' || typeof value !== 'string') return value
    const bytes = Buffer.from(value, 'base64')
    return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4))
  })
}
