import type { Backend, Random, TokenCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { ChatRequest, CompletionRequest, EmbeddingRequest, type Model, shownModel } from '../openai/index.ts'
import { type AnswerOptions, answer } from './answer.ts'
import type { BodyLimits } from './body.ts'
import { checked, contextOf, readCall } from './call.ts'
import { type Exchange, type Handler, sendJson } from './exchange.ts'
import { checkFiles } from './file-references.ts'
import type { Passages } from './passage-routes.ts'
import { type ResponsesRoutesOptions, responsesRoutes } from './responses.ts'
import type { Routes } from './routes.ts'

export interface OpenAiRoutesOptions extends AnswerOptions, BodyLimits {
  readonly backend: Backend
  readonly random: Random
  /** The way to what servers keep for apps. */
  readonly passages?: Passages
  /** Who answers, for apps that ask about one of them. */
  readonly providers?: Providers
}

export interface Providers {
  readonly names: () => readonly string[]
  /** Names of those that can answer with a model right now. */
  readonly serving: (model: string) => readonly string[]
}

const schemas = { chat: ChatRequest, completion: CompletionRequest, embedding: EmbeddingRequest }

/** The OpenAI routes, the same for apps and for peers. */
export function openAiRoutes(options: OpenAiRoutesOptions): Routes {
  return {
    'POST /v1/chat/completions': ask('chat', options),
    'POST /v1/completions': ask('completion', options),
    'POST /v1/embeddings': ask('embedding', options),
    ...(options.isPeer ? {} : responsesRoutes(responsesOptions(options))),
    'GET /v1/models': exchange => listModels(exchange, options),
    'GET /v1/models/*': exchange => retrieveModel(exchange, options),
  }
}

function ask(task: TokenCall['task'], options: OpenAiRoutesOptions): Handler {
  return async exchange => {
    const body = checked<unknown>(schemas[task], await readCall(exchange, options))
    const call = { task, body } as TokenCall
    if (call.task === 'chat') checkFiles(call.body, exchange.principal, options.passages?.ownership)
    await answer(exchange, call, options.backend.run(call, contextOf(exchange)), options)
  }
}

function responsesOptions(options: OpenAiRoutesOptions): ResponsesRoutesOptions {
  return {
    random: options.random,
    readBody: exchange => readCall(exchange, options),
    answerAs: (exchange, call, view) =>
      answer(exchange, call, options.backend.run(call, contextOf(exchange)), options, view),
  }
}

async function listModels(exchange: Exchange, { backend, providers }: OpenAiRoutesOptions): Promise<void> {
  const { response, signal, url } = exchange
  const models = (await backend.models(signal)).map(shownModel)
  const wanted = url.searchParams.get('provider')
  const data = wanted === null || providers === undefined ? models : modelsOf(models, wanted, providers)
  sendJson(response, 200, { object: 'list', data })
}

/** Those that one provider can answer with. A name that is nobody's is a mistake of the caller. */
function modelsOf(models: readonly Model[], wanted: string, { names, serving }: Providers): Model[] {
  const isWanted = (name: string) => name.toLowerCase() === wanted.toLowerCase()
  if (!names().some(isWanted)) {
    const message = `there is no provider ${JSON.stringify(wanted)}; see GET /v1/models without it`
    throw new ParleyError('invalid_request', message, { param: 'provider' })
  }
  return models.flatMap(model => {
    const count = serving(model.id).filter(isWanted).length
    return count === 0 ? [] : [{ ...model, providers: count }]
  })
}

async function retrieveModel({ response, signal, url }: Exchange, { backend }: OpenAiRoutesOptions): Promise<void> {
  const id = decoded(url.pathname.slice('/v1/models/'.length))
  const model = (await backend.models(signal)).find(known => known.id === id)
  if (model === undefined)
    throw new ParleyError('model_not_found', `there is no model ${JSON.stringify(id)}; see GET /v1/models`)
  sendJson(response, 200, shownModel(model))
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw new ParleyError('invalid_request', 'the path has a % that begins no character; encode it as %25', { cause })
  }
}
