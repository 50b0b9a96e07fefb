import { ParleyError, type Random, type TokenCall } from '../core/index.ts'
import {
  createResponsesTeller,
  type ErrorBody,
  encodeEvent,
  type ResponsesEvent,
  ResponsesRequest,
  toChat,
} from '../openai/index.ts'
import { checked } from './call.ts'
import { type Exchange, type Handler, shown } from './exchange.ts'
import type { Routes } from './routes.ts'
import type { View } from './view.ts'

/** Answers a call, seen in its own way. */
export type AnswerAs = (exchange: Exchange, call: TokenCall, view: View) => Promise<void>

export interface ResponsesRoutesOptions {
  readonly random: Random
  readonly readBody: (exchange: Exchange) => Promise<unknown>
  readonly answerAs: AnswerAs
}

/** The Responses API at the front of a chat call: nothing behind it knows, and nothing is kept. */
export function responsesRoutes(options: ResponsesRoutesOptions): Routes {
  return {
    'POST /v1/responses': exchange => respond(exchange, options),
    'GET /v1/responses/*': notKept,
    'DELETE /v1/responses/*': notKept,
    'POST /v1/responses/*': notKept,
  }
}

async function respond(exchange: Exchange, { random, readBody, answerAs }: ResponsesRoutesOptions): Promise<void> {
  const request = checked(ResponsesRequest, await readBody(exchange))
  const call: TokenCall = { task: 'chat', body: toChat(request) }
  await answerAs(exchange, call, responsesView(request, random.uuid().replaceAll('-', '')))
}

const notKept: Handler = async () => {
  throw new ParleyError('not_found', 'responses are not stored here; keep the answer of POST /v1/responses')
}

function responsesView(request: ResponsesRequest, id: string): View {
  const teller = createResponsesTeller(request, id)
  return {
    chunk: chunk => (chunk.event === undefined ? framed(teller.tell(chunk)) : undefined),
    end: outcome => framed(teller.end(outcome?.usage)) ?? new Uint8Array(0),
    broken: error => framed(teller.fail((shown(error, 'app') as ErrorBody).error)) ?? new Uint8Array(0),
    folder: () => ({
      add: chunk => void teller.tell(chunk),
      body: counted => {
        teller.end(counted)
        return teller.body()
      },
    }),
  }
}

function framed(events: readonly ResponsesEvent[]): Uint8Array | undefined {
  if (events.length === 0) return undefined
  return Buffer.concat(events.map(({ type, data }) => encodeEvent(data, type)))
}
