import { ParleyError } from '../../core/index.ts'
import type { CompletionRequest } from '../../openai/index.ts'
import { type Answer, type AnswerShape, roomFor } from './answer.ts'
import type { GenerationRequest } from './generation.ts'
import type { LoadedModel } from './loaded-model.ts'
import { samplingOf, stopsOf } from './sampling.ts'
import type { CallParts } from './task.ts'
import { rawPrompt } from './template.ts'

const answersMax = 128

/** A completion request as work for the scheduler: `n` answers to each prompt, numbered prompt by prompt. */
export function completionAnswer(model: LoadedModel, body: CompletionRequest, parts: CallParts): Answer {
  const prompts = promptsOf(model, body)
  const answersEach = body.n ?? 1
  if (prompts.length * answersEach > answersMax) {
    throw new ParleyError('too_large', `a call may ask for ${answersMax} answers; send fewer prompts`, {
      param: 'prompt',
    })
  }
  const requests = prompts.flatMap(prompt => answersTo(model, body, prompt, answersEach, parts))
  const echoes = body.echo ? requests.map(({ prompt }) => model.decode(prompt)) : undefined
  return {
    shape: completionShape(body.model, echoes, parts),
    requests,
    promptTokens: prompts.reduce((sum, prompt) => sum + prompt.length, 0),
    servedBy: parts.servedBy,
  }
}

function answersTo(
  model: LoadedModel,
  body: CompletionRequest,
  prompt: Uint32Array,
  count: number,
  parts: CallParts,
): GenerationRequest[] {
  const maxTokens = roomFor(prompt.length, body.max_tokens, model.contextTokens)
  const stops = stopsOf(body)
  return Array.from({ length: count }, (_, turn) => {
    return { prompt, maxTokens, stops, owner: parts.owner, sampling: samplingOf(body, prompt, parts.random, turn) }
  })
}

function promptsOf(model: LoadedModel, body: CompletionRequest): Uint32Array[] {
  if (body.suffix) return [infillPrompt(model, body.prompt, body.suffix)]
  if (typeof body.prompt === 'string') return [rawPrompt(model.native, body.prompt)]
  if (isTokens(body.prompt)) return [checkedTokens(model, body.prompt, 'prompt')]
  return body.prompt.map(prompt =>
    typeof prompt === 'string' ? rawPrompt(model.native, prompt) : checkedTokens(model, prompt, 'prompt'),
  )
}

/** Fill in the middle, for models trained to: the text before, the text after, and the place between them. */
function infillPrompt(model: LoadedModel, prompt: unknown, suffix: string): Uint32Array {
  const { prefix, suffix: after, middle } = model.native.tokens.infill
  if (prefix === null || after === null || middle === null) {
    throw new ParleyError('unsupported', 'this model was not trained to fill in text; leave suffix out', {
      param: 'suffix',
    })
  }
  if (typeof prompt !== 'string') {
    throw new ParleyError('invalid_request', 'with a suffix the prompt is one string', { param: 'prompt' })
  }
  const text = (value: string) => model.native._model.tokenize(value, false)
  return Uint32Array.of(prefix, ...text(prompt), after, ...text(suffix), middle)
}

function isTokens(prompt: CompletionRequest['prompt']): prompt is number[] {
  return typeof prompt[0] === 'number'
}

/** Token ids an app sent: native code must not see one the vocabulary does not have. */
export function checkedTokens(model: LoadedModel, tokens: readonly number[], param: string): Uint32Array {
  const vocabulary = model.file.header.metadata.get('tokenizer.ggml.tokens')
  const size = typeof vocabulary === 'object' ? vocabulary.count : 0
  if (tokens.some(token => token < 0 || token >= size)) {
    throw new ParleyError('invalid_request', `token ids of this model are below ${size}`, { param })
  }
  return Uint32Array.from(tokens)
}

function completionShape(
  model: string,
  echoes: readonly string[] | undefined,
  { id, createdSeconds }: CallParts,
): AnswerShape {
  const choice = (index: number, text: string, finish: string | null) => {
    return { index, text, logprobs: null, finish_reason: finish }
  }
  return {
    id: `cmpl-${id}`,
    object: 'text_completion',
    created: createdSeconds,
    model,
    opening: index => (echoes === undefined ? [] : [choice(index, echoes[index] ?? '', null)]),
    piece: (index, text) => [choice(index, text, null)],
    ending: (index, finish) => [choice(index, '', finish)],
  }
}
