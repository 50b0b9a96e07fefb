import { ParleyError } from '../../core/index.ts'
import type { ChatRequest } from '../../openai/index.ts'
import { type Answer, type AnswerShape, roomFor } from './answer.ts'
import type { LoadedModel } from './loaded-model.ts'
import { samplingOf, stopsOf } from './sampling.ts'
import type { CallParts } from './task.ts'

/** A chat request as work for the scheduler: the prompt by the model's own template, `n` answers to it. */
export async function chatAnswer(model: LoadedModel, body: ChatRequest, parts: CallParts): Promise<Answer> {
  const prompt = model.template().prompt(body)
  const maxTokens = roomFor(prompt.length, body.max_completion_tokens ?? body.max_tokens, model.contextTokens)
  const stops = stopsOf(body)
  const schema = wantedJson(body)
  const turns = Array.from({ length: body.n ?? 1 }, (_, turn) => turn)
  const requests = await Promise.all(
    turns.map(async turn => {
      const sampling = samplingOf(body, prompt, parts.random, turn)
      const grammar = schema && { grammarEvaluationState: await jsonGrammar(model, schema.schema) }
      return { prompt, maxTokens, stops, owner: parts.owner, sampling: { ...sampling, ...grammar } }
    }),
  )
  return { shape: chatShape(body.model, parts), requests, promptTokens: prompt.length, servedBy: parts.servedBy }
}

function chatShape(model: string, { id, createdSeconds }: CallParts): AnswerShape {
  return {
    id: `chatcmpl-${id}`,
    object: 'chat.completion.chunk',
    created: createdSeconds,
    model,
    opening: index => ({ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }),
    piece: (index, text) => ({ index, delta: { content: text }, logprobs: null, finish_reason: null }),
    ending: (index, finish) => ({ index, delta: {}, logprobs: null, finish_reason: finish }),
  }
}

/** The schema an answer must follow; an undefined one stands for any JSON. */
function wantedJson(body: ChatRequest): { schema: unknown } | undefined {
  const format = body.response_format as { type?: unknown; json_schema?: { schema?: unknown } } | null | undefined
  if (format?.type === 'json_object') return { schema: undefined }
  if (format?.type === 'json_schema') return { schema: format.json_schema?.schema }
  return undefined
}

async function jsonGrammar(model: LoadedModel, schema: unknown): Promise<unknown> {
  try {
    return await model.grammar(schema)
  } catch (cause) {
    const message = 'the engine cannot follow this JSON schema; simplify it or ask for json_object'
    throw new ParleyError('unsupported', message, { cause, param: 'response_format' })
  }
}
