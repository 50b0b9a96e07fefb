import { ParleyError } from '../../core/index.ts'
import type { ChatRequest } from '../../openai/index.ts'
import { type Answer, type AnswerShape, type Choice, roomFor } from './answer.ts'
import type { LoadedModel } from './loaded-model.ts'
import { samplingOf, stopsOf } from './sampling.ts'
import type { CallParts } from './task.ts'
import { type Spoken, speaksToolCalls, type ToolCallReader, toolCallReader } from './tool-calls.ts'

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
  const callsTools = Boolean(body.tools?.length) && speaksToolCalls(model.file.chatTemplate ?? '')
  return {
    shape: chatShape(body.model, callsTools, parts),
    requests,
    promptTokens: prompt.length,
    servedBy: parts.servedBy,
  }
}

function chatShape(model: string, callsTools: boolean, { id, createdSeconds, random }: CallParts): AnswerShape {
  const choice = (index: number, delta: Choice, finish: string | null = null): Choice => {
    return { index, delta, logprobs: null, finish_reason: finish }
  }
  const readers = new Map<number, { reader: ToolCallReader; calls: number }>()
  const tell = (index: number, spoken: readonly Spoken[]): Choice[] =>
    spoken.map(part => {
      if (part.kind === 'text') return choice(index, { content: part.text })
      const { name, arguments: given } = part
      const call = { index: readers.get(index)!.calls++, id: `call_${random.uuid().replaceAll('-', '')}` }
      return choice(index, { tool_calls: [{ ...call, type: 'function', function: { name, arguments: given } }] })
    })
  return {
    id: `chatcmpl-${id}`,
    object: 'chat.completion.chunk',
    created: createdSeconds,
    model,
    opening: index => {
      if (callsTools) readers.set(index, { reader: toolCallReader(), calls: 0 })
      return [choice(index, { role: 'assistant', content: '' })]
    },
    piece: (index, text) => {
      const reading = readers.get(index)
      return reading === undefined ? [choice(index, { content: text })] : tell(index, reading.reader.push(text))
    },
    ending: (index, finish) => {
      const reading = readers.get(index)
      const rest = reading === undefined ? [] : tell(index, reading.reader.flush())
      const isCall = reading !== undefined && reading.calls > 0 && finish === 'stop'
      return [...rest, choice(index, {}, isCall ? 'tool_calls' : finish)]
    },
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
