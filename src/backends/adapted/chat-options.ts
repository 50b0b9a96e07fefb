import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Prompt,
  LanguageModelV4ToolChoice,
} from '@ai-sdk/provider'
import { ParleyError } from '../../core/index.ts'
import type { ChatRequest, CompletionRequest } from '../../openai/index.ts'
import { promptOf } from './prompt.ts'
import type { ServiceAdapter } from './service.ts'

type Options = LanguageModelV4CallOptions

/** A chat request in the words of the services' packages. What a service has no word for is left out in silence. */
export function chatOptions(name: string, service: ServiceAdapter, body: Readonly<ChatRequest>): Options {
  mustBeOne(body.n)
  if (Array.isArray(body.modalities) && body.modalities.includes('audio')) {
    throw new ParleyError('unsupported', `${name} does not answer with audio`, { param: 'modalities' })
  }
  if (body.functions != null) {
    throw new ParleyError('unsupported', `${name} does not take functions; use tools`, { param: 'functions' })
  }
  const takesLateInstructions = service.takesLateInstructions === true
  const prompt = promptOf(body.messages, { name, takesLateInstructions })
  const providerOptions = service.chatOptions?.(body)
  return {
    prompt,
    ...sampling(body, limitOf(service, body)),
    ...toolOptions(name, body),
    ...responseFormat(body.response_format),
    ...reasoning(service, body, prompt),
    ...(providerOptions !== undefined && { providerOptions }),
  }
}

/** A completion as a conversation of one message: none of these services goes on with a text any more. */
export function completionOptions(name: string, body: Readonly<CompletionRequest>): Options {
  mustBeOne(body.n)
  const [prompt, ...more] = [body.prompt].flat() as readonly unknown[]
  if (typeof prompt !== 'string') {
    throw new ParleyError('unsupported', `${name} takes prompts as text only, not as tokens`, { param: 'prompt' })
  }
  if (more.length > 0) {
    throw new ParleyError('unsupported', `${name} takes one prompt at a time`, { param: 'prompt' })
  }
  if (body.suffix != null && body.suffix !== '') {
    throw new ParleyError('unsupported', `${name} does not fill in text before a suffix`, { param: 'suffix' })
  }
  return { prompt: [{ role: 'user', content: [{ type: 'text', text: prompt }] }], ...sampling(body, body.max_tokens) }
}

function mustBeOne(n: number | null | undefined): void {
  if (n == null || n === 1) return
  throw new ParleyError('invalid_request', 'n is more than 1, and this model gives one answer at a time; leave n out', {
    param: 'n',
  })
}

function limitOf(service: ServiceAdapter, { max_completion_tokens, max_tokens }: Readonly<ChatRequest>) {
  if (service.namesCompletionLimit === true && max_completion_tokens != null) return undefined
  return max_completion_tokens ?? max_tokens
}

function sampling(
  body: Readonly<ChatRequest> | Readonly<CompletionRequest>,
  maxOutputTokens: number | null | undefined,
): Partial<Options> {
  const { temperature, top_p, stop, seed, presence_penalty, frequency_penalty } = body
  const stopSequences = stop == null ? [] : [stop].flat()
  return {
    ...(maxOutputTokens != null && { maxOutputTokens }),
    ...(temperature != null && { temperature }),
    ...(top_p != null && { topP: top_p }),
    ...(stopSequences.length > 0 && { stopSequences }),
    ...(seed != null && { seed }),
    ...(typeof presence_penalty === 'number' && { presencePenalty: presence_penalty }),
    ...(typeof frequency_penalty === 'number' && { frequencyPenalty: frequency_penalty }),
  }
}

function toolOptions(name: string, { tools, tool_choice }: Readonly<ChatRequest>): Partial<Options> {
  if (tools == null || tools.length === 0) return {}
  const toolChoice = choiceOf(tool_choice)
  return {
    tools: tools.map((tool, index) => toolOf(name, tool, `tools[${index}]`)),
    ...(toolChoice !== undefined && { toolChoice }),
  }
}

const noParameters = { type: 'object', properties: {} } as const

function toolOf(name: string, tool: Readonly<Record<string, unknown>>, where: string): LanguageModelV4FunctionTool {
  if (tool.type !== 'function') {
    throw new ParleyError('unsupported', `${name} takes tools of the type function only`, { param: where })
  }
  const { name: toolName, description, parameters, strict } = (tool.function ?? {}) as Record<string, unknown>
  if (typeof toolName !== 'string') {
    throw new ParleyError('invalid_request', `${where} has no function name; give it one`, { param: where })
  }
  return {
    type: 'function',
    name: toolName,
    inputSchema: (parameters ?? noParameters) as LanguageModelV4FunctionTool['inputSchema'],
    ...(typeof description === 'string' && { description }),
    ...(typeof strict === 'boolean' && { strict }),
  }
}

function choiceOf(choice: unknown): LanguageModelV4ToolChoice | undefined {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice }
  const toolName = (choice as { function?: { name?: unknown } } | null | undefined)?.function?.name
  return typeof toolName === 'string' ? { type: 'tool', toolName } : undefined
}

function responseFormat(format: unknown): Pick<Options, 'responseFormat'> {
  const { type, json_schema: wanted } = (format ?? {}) as { type?: unknown; json_schema?: Record<string, unknown> }
  if (type === 'json_object') return { responseFormat: { type: 'json' } }
  if (type !== 'json_schema' || wanted === undefined) return {}
  const { schema, name, description } = wanted
  return {
    responseFormat: {
      type: 'json',
      ...(schema != null && { schema: schema as NonNullable<LanguageModelV4FunctionTool['inputSchema']> }),
      ...(typeof name === 'string' && { name }),
      ...(typeof description === 'string' && { description }),
    },
  }
}

const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

/** In the middle of a turn with tools some services refuse to go on thinking without the thoughts they had before. */
function reasoning(
  service: ServiceAdapter,
  { reasoning_effort }: Readonly<ChatRequest>,
  prompt: LanguageModelV4Prompt,
): Pick<Options, 'reasoning'> {
  const effort = efforts.find(known => known === reasoning_effort)
  const isAmidTools = prompt.at(-1)?.role === 'tool'
  if (effort === undefined || (service.needsOwnThoughts === true && isAmidTools)) return {}
  return { reasoning: effort }
}
