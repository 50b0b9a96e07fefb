import { ParleyError, type Random } from '../../core/index.ts'
import type { ChatRequest } from '../../openai/index.ts'
import { type GgufHeader, integersOf, stringsOf } from './gguf.ts'
import type { Engine, EngineModel } from './native.ts'

/** The model's own chat template, from its file, applied to a request. */
export interface ChatTemplate {
  /** The tokens of the prompt. Throws `invalid_request` when the template refuses the messages. */
  prompt: (body: ChatRequest) => Uint32Array
}

interface TemplateParts {
  readonly engine: Engine
  readonly model: EngineModel
  readonly header: GgufHeader
  readonly source: string
  readonly random: Random
}

const controlTokenType = 3

/** Compiles the template once. Throws `model_failed` when it is not one the engine understands. */
export function chatTemplate({ engine, model, header, source, random }: TemplateParts): ChatTemplate {
  const renderer = compile(engine, source)
  const controls = controlTokens(header)
  const { bosString, eosString } = model.tokens
  const fixed = { bos_token: bosString ?? '', eos_token: eosString ?? '', add_generation_prompt: true }
  return {
    prompt: body => {
      const guard = createGuard(controls, random)
      const messages = body.messages.map(message => guard.deep(plainMessage(message)))
      const tools = body.tools?.length ? { tools: guard.deep(body.tools) } : {}
      const text = render(renderer, { ...templateArguments(body), ...fixed, messages, ...tools })
      return withBeginning(model, guard.tokenize(text, model))
    },
  }
}

/** Text of an app, control tokens meant as such: for completions, where the app writes the whole prompt. */
export function rawPrompt(model: EngineModel, text: string): Uint32Array {
  return withBeginning(model, model._model.tokenize(text, true))
}

function compile(engine: Engine, source: string): { render: (variables: Record<string, unknown>) => string } {
  try {
    return new engine._bindings.AddonJinjaRenderer(source)
  } catch (cause) {
    throw new ParleyError('model_failed', "the model's chat template cannot be read; use /v1/completions with it", {
      cause,
    })
  }
}

function render(renderer: ReturnType<typeof compile>, variables: Record<string, unknown>): string {
  try {
    return renderer.render(variables)
  } catch (cause) {
    const said = cause instanceof Error ? /Jinja Exception: (.{1,200})/.exec(cause.message)?.[1] : undefined
    const refused = "the model's chat template refuses these messages; correct them"
    const options = { cause, param: 'messages' }
    if (said === undefined) throw new ParleyError('invalid_request', refused, options)
    // A template may quote the messages: its words are for the app.
    const { error } = new ParleyError('invalid_request', `${refused}: ${said}`, options).toBody()
    throw new ParleyError('invalid_request', refused, { ...options, passOn: { status: 400, body: { error } } })
  }
}

/** Arguments for the template itself (`enable_thinking` and the like), by the name llama-server and vLLM gave them. */
function templateArguments(body: ChatRequest): Record<string, unknown> {
  const value = body.chat_template_kwargs
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

/** A message as templates expect it: the roles of old, text as one string, arguments of calls as objects. */
function plainMessage(message: ChatRequest['messages'][number]): Record<string, unknown> {
  const role = message.role === 'developer' ? 'system' : message.role === 'function' ? 'tool' : message.role
  const calls = Array.isArray(message.tool_calls) ? { tool_calls: message.tool_calls.map(plainCall) } : {}
  return { ...message, role, content: plainContent(message.content), ...calls }
}

function plainContent(content: ChatRequest['messages'][number]['content']): string {
  if (typeof content === 'string') return content
  const parts = (content ?? []).map(part => {
    if (part.type === 'text' && typeof part.text === 'string') return part.text
    const message = `this model reads text only, not content of type ${part.type.slice(0, 40)}`
    throw new ParleyError('unsupported', message, { param: 'messages' })
  })
  return parts.join('\n')
}

function plainCall(call: unknown): unknown {
  const { function: called, ...rest } = call as { function?: { arguments?: unknown } }
  if (typeof called?.arguments !== 'string') return call
  try {
    return { ...rest, function: { ...called, arguments: JSON.parse(called.arguments) } }
  } catch {
    // Arguments a model wrote need not be JSON; the template then gets the words as they are.
    return call
  }
}

/** Keeps people from ending their turn with a control token in their text: theirs are tokenized as the letters they are. */
function createGuard(controls: RegExp | undefined, random: Random) {
  const taken: string[] = []
  let mark: string | undefined
  const text = (value: string): string => {
    if (controls === undefined) return value
    return value.replaceAll(controls, found => {
      mark ??= `\uE000${random.uuid()}`
      return `${mark}:${taken.push(found) - 1}\uE001`
    })
  }
  const deep = (value: unknown, depth = 0): unknown => {
    if (depth > 32) throw new ParleyError('invalid_request', 'messages or tools are nested too deeply')
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map(item => deep(item, depth + 1))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), deep(item, depth + 1)]))
  }
  const tokenize = (rendered: string, { _model: model }: EngineModel): Uint32Array => {
    if (mark === undefined) return model.tokenize(rendered, true)
    const pieces = rendered.split(new RegExp(`${mark}:(\\d+)\uE001`))
    const tokens = pieces.map((piece, index) =>
      index % 2 === 0 ? model.tokenize(piece, true) : model.tokenize(taken[Number(piece)] ?? '', false),
    )
    return Uint32Array.from(tokens.flatMap(part => [...part]))
  }
  return { deep, tokenize }
}

function controlTokens(header: GgufHeader): RegExp | undefined {
  const types = integersOf(header, 'tokenizer.ggml.token_type')
  if (types === undefined) return undefined
  const wanted = new Set<number>()
  for (const [token, type] of types.entries()) if (type === controlTokenType) wanted.add(token)
  const texts = stringsOf(header, 'tokenizer.ggml.tokens', wanted)?.filter(text => text.length > 1) ?? []
  if (texts.length === 0) return undefined
  const longestFirst = texts.sort((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map(text => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'g')
}

function withBeginning(model: EngineModel, tokens: Uint32Array): Uint32Array {
  const { bos, shouldPrependBosToken } = model.tokens
  if (!shouldPrependBosToken || bos === null || tokens[0] === bos) return tokens
  return Uint32Array.of(bos, ...tokens)
}
