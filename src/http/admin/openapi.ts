import { z } from 'zod'
import { type AdminRoute, declareIn } from './route.ts'
import { Id } from './schemas.ts'

type Schema = Readonly<Record<string, unknown>>

/** An OpenAPI document, as far as it is read here. */
export interface OpenApi {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>>; readonly securitySchemes: Schema }
}

export interface Operation {
  readonly tags: readonly string[]
  readonly summary: string
  readonly operationId: string
  /** The least role that may ask. */
  readonly 'x-role': string
  readonly 'x-takes-api-keys'?: boolean
  readonly security: readonly Schema[]
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Schema }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Schema }>>
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly description?: string
  readonly schema: Schema
}

const ErrorBody = z
  .object({
    error: z.looseObject({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .meta({ id: 'Error' })

/** The document of these routes: made of the schemas by which they are checked. */
export function documentOf(routes: readonly AdminRoute[], version: string): OpenApi {
  const schemas: Record<string, Schema> = {}
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => hoisted(schema, io, schemas)
  const error = schemaOf(ErrorBody, 'output')
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) {
    const path = `/api${route.path.replaceAll(/:(\w+)/g, '{$1}')}`
    const operations = (paths[path] ??= {})
    operations[route.method.toLowerCase()] = operationOf(route, schemaOf, error)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version,
      description: 'Management of a node. The routes for apps are those of OpenAI, below `/v1`.',
    },
    paths,
    components: {
      schemas,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An access token of `/api/auth`.' } },
    },
  }
}

function operationOf(
  route: AdminRoute,
  schemaOf: (schema: z.ZodType, io: 'input' | 'output') => Schema,
  error: Schema,
): Operation {
  const { method, path, access, takesKeys, summary, group, query, body, form, answer, status, sends } = route
  const shape = query === undefined ? {} : query.shape
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']): Parameter => {
    return { name, in: 'path', required: true, schema: schemaOf(route.params[name] ?? Id, 'input') }
  })
  const inQuery = Object.entries(shape).map(([name, field]): Parameter => {
    const { description, ...schema } = schemaOf(field as z.ZodType, 'input')
    const required = !(field as z.ZodType).safeParse(undefined).success
    return {
      name,
      in: 'query',
      required,
      ...(description !== undefined && { description: String(description) }),
      schema,
    }
  })
  return {
    tags: [group],
    summary,
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^a-z]+([a-z])/gi, (_, letter) => letter.toUpperCase())}`,
    'x-role': access,
    ...(takesKeys && { 'x-takes-api-keys': true }),
    security: access === 'public' ? [] : [{ bearer: [] }],
    parameters: [...inPath, ...inQuery],
    ...(body && { requestBody: { required: !body.safeParse({}).success, content: json(schemaOf(body, 'input')) } }),
    ...(form && {
      requestBody: { required: true, content: { 'multipart/form-data': { schema: schemaOf(form, 'input') } } },
    }),
    responses: {
      [status]: {
        description: 'Done.',
        ...(answer && { content: json(schemaOf(answer, 'output')) }),
        ...(sends !== undefined && { content: { [sends]: { schema: {} } } }),
      },
      default: { description: 'What was wrong, and what to do.', content: json(error) },
    },
  }
}

function json(schema: Schema): Schema {
  return { 'application/json': { schema } }
}

/** Schemas with a name are written once, beside the paths. */
function hoisted(schema: z.ZodType, io: 'input' | 'output', into: Record<string, Schema>): Schema {
  const made = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' })
  const text = JSON.stringify(made).replaceAll('"#/$defs/', '"#/components/schemas/')
  const { $defs = {}, $schema: _, ...own } = JSON.parse(text) as Record<string, unknown>
  for (const [name, each] of Object.entries($defs as Record<string, Schema>)) into[name] = unnamed(each)
  const { id } = own
  if (typeof id !== 'string') return own
  into[id] = unnamed(own)
  return { $ref: `#/components/schemas/${id}` }
}

function unnamed({ id: _, ...schema }: Schema): Schema {
  return schema
}

const declare = declareIn('documentation')

/** The document, and a page for people, both made at the first request. */
export function documentationRoutes(document: () => OpenApi, page: () => DocumentPage): AdminRoute[] {
  return [
    declare(
      'GET /openapi.json',
      { access: 'public', summary: 'This document.', sends: 'application/json' },
      async ({ exchange: { response } }) => {
        response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
        response.end(JSON.stringify(document()))
      },
    ),
    declare(
      'GET /docs',
      { access: 'public', summary: 'This document as a page.', sends: 'text/html' },
      async ({ exchange: { response } }) => {
        const { html, policy } = page()
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
        response.end(html)
      },
    ),
  ]
}

export interface DocumentPage {
  readonly html: string
  readonly policy: string
}
