import type { Random, Reply, TokenCall } from '../core/index.ts'
import { ChatRequest, CompletionRequest, EmbeddingRequest } from '../openai/index.ts'
import { type AnswerOptions, answer } from './answer.ts'
import type { BodyLimits } from './body.ts'
import { checked, contextOf, readCall } from './call.ts'
import type { Exchange, Handler } from './exchange.ts'
import { checkFiles } from './file-references.ts'
import { type ModelRoutesOptions, modelRoutes } from './model-routes.ts'
import type { Passages } from './passage-routes.ts'
import { type ResponsesRoutesOptions, responsesRoutes } from './responses.ts'
import type { Routes } from './routes.ts'

export interface OpenAiRoutesOptions extends AnswerOptions, BodyLimits, ModelRoutesOptions {
  readonly random: Random
  /** The way to what servers keep for apps. */
  readonly passages?: Passages
}

const schemas = { chat: ChatRequest, completion: CompletionRequest, embedding: EmbeddingRequest }

/** The OpenAI routes, the same for apps and for peers. */
export function openAiRoutes(options: OpenAiRoutesOptions): Routes {
  return {
    'POST /v1/chat/completions': ask('chat', options),
    'POST /v1/completions': ask('completion', options),
    'POST /v1/embeddings': ask('embedding', options),
    ...(options.isPeer ? {} : responsesRoutes(responsesOptions(options))),
    ...modelRoutes(options),
  }
}

function ask(task: TokenCall['task'], options: OpenAiRoutesOptions): Handler {
  return async exchange => {
    const body = checked<unknown>(schemas[task], await readCall(exchange, options))
    const call = { task, body } as TokenCall
    await answer(exchange, call, run(exchange, call, options), options)
  }
}

function responsesOptions(options: OpenAiRoutesOptions): ResponsesRoutesOptions {
  return {
    random: options.random,
    readBody: exchange => readCall(exchange, options),
    answerAs: (exchange, call, view) => answer(exchange, call, run(exchange, call, options), options, view),
  }
}

function run(exchange: Exchange, call: TokenCall, { backend, passages }: OpenAiRoutesOptions): Reply {
  if (call.task === 'chat') checkFiles(call.body, exchange.principal, passages?.ownership)
  return backend.run(call, contextOf(exchange))
}
