import type { Backend, Call, Context, Task, Tasks } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { ChatRequest, CompletionRequest, EmbeddingRequest } from '../openai/index.ts'
import { type AnswerOptions, answer } from './answer.ts'
import { type BodyLimits, readJson } from './body.ts'
import { type Exchange, type Handler, sendJson } from './exchange.ts'
import type { Routes } from './routes.ts'

export interface OpenAiRoutesOptions extends AnswerOptions, BodyLimits {
  readonly backend: Backend
}

const schemas = { chat: ChatRequest, completion: CompletionRequest, embedding: EmbeddingRequest }

/** The OpenAI routes, the same for apps and for peers. */
export function openAiRoutes(options: OpenAiRoutesOptions): Routes {
  return {
    'POST /v1/chat/completions': ask('chat', options),
    'POST /v1/completions': ask('completion', options),
    'POST /v1/embeddings': ask('embedding', options),
    'GET /v1/models': exchange => listModels(exchange, options),
    'GET /v1/models/*': exchange => retrieveModel(exchange, options),
  }
}

function ask(task: Task, options: OpenAiRoutesOptions): Handler {
  return async exchange => {
    const body = parse(task, await readJson(exchange.request, options, exchange.signal))
    const call = { task, body } as Call
    await answer(exchange, call, options.backend.run(call, contextOf(exchange)), options)
  }
}

function parse<T extends Task>(task: T, body: unknown): Tasks[T] {
  const parsed = schemas[task].safeParse(body)
  if (parsed.success) return parsed.data as Tasks[T]
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  throw new ParleyError('invalid_request', path === '' ? `${issue?.message}` : `${path}: ${issue?.message}`, {
    ...(path !== '' && { param: path }),
  })
}

/** What a caller would pay at most is between it and this node. */
const passedHeaders = /^(?:parley-(?!max-price$)[a-z-]{1,32}|traceparent)$/

function contextOf({ id, signal, principal, request, maxPrice }: Exchange): Context {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string' && passedHeaders.test(name)) headers[name] = value
  }
  return { id, signal, principal, headers, ...(maxPrice !== undefined && { maxPrice }) }
}

async function listModels({ response, signal }: Exchange, { backend }: OpenAiRoutesOptions): Promise<void> {
  sendJson(response, 200, { object: 'list', data: await backend.models(signal) })
}

async function retrieveModel({ response, signal, url }: Exchange, { backend }: OpenAiRoutesOptions): Promise<void> {
  const id = decoded(url.pathname.slice('/v1/models/'.length))
  const model = (await backend.models(signal)).find(known => known.id === id)
  if (model === undefined)
    throw new ParleyError('model_not_found', `there is no model ${JSON.stringify(id)}; see GET /v1/models`)
  sendJson(response, 200, model)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw new ParleyError('invalid_request', 'the path has a % that begins no character; encode it as %25', { cause })
  }
}
