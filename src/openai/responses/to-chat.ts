import type { ChatRequest } from '../chat.ts'
import { chatMessages } from './messages.ts'
import type { ResponsesRequest, TextFormat, Tool, ToolChoice } from './request.ts'

/** Fields that a chat call says otherwise, or not at all. All others mean the same there. */
const ownFields: ReadonlySet<string> = new Set<keyof ResponsesRequest>([
  'input',
  'instructions',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'text',
  'reasoning',
  'max_output_tokens',
  'max_tool_calls',
  'top_logprobs',
  'include',
  'metadata',
  'truncation',
  'store',
  'previous_response_id',
  'conversation',
  'prompt',
  'background',
  'stream_options',
  'context_management',
  'client_metadata',
  'n',
])

/** The chat call that answers a request. */
export function toChat(request: ResponsesRequest): ChatRequest {
  const { instructions, input, text, reasoning, max_output_tokens, top_logprobs } = request
  const passed = Object.fromEntries(Object.entries(request).filter(([name]) => !ownFields.has(name)))
  const format = responseFormat(text?.format)
  return {
    ...passed,
    model: request.model,
    messages: chatMessages(instructions, input),
    ...chatTools(request),
    ...(format !== undefined && { response_format: format }),
    ...(text?.verbosity != null && { verbosity: text.verbosity }),
    ...(reasoning?.effort != null && { reasoning_effort: reasoning.effort }),
    ...(max_output_tokens != null && { max_tokens: max_output_tokens }),
    ...(wantsLogprobs(request) && { logprobs: true, ...(top_logprobs != null && { top_logprobs }) }),
  }
}

/** Probabilities are told to who includes them. */
export function wantsLogprobs({ include, top_logprobs }: ResponsesRequest): boolean {
  return (include ?? []).includes('message.output_text.logprobs') || (top_logprobs ?? 0) > 0
}

function responseFormat(format: TextFormat | null | undefined): unknown {
  if (format == null || format.type === 'text') return undefined
  if (format.type === 'json_object') return { type: 'json_object' }
  const { type, ...schema } = format
  return { type, json_schema: schema }
}

/** Servers refuse a choice among no tools. */
function chatTools({ tools, tool_choice, parallel_tool_calls }: ResponsesRequest): Partial<ChatRequest> {
  const offered = allowed(tools ?? [], tool_choice)
  if (offered.length === 0) return {}
  const choice = chatChoice(tool_choice)
  return {
    tools: offered.map(chatTool),
    ...(choice !== undefined && { tool_choice: choice }),
    ...(parallel_tool_calls != null && { parallel_tool_calls }),
  }
}

function allowed(tools: readonly Tool[], choice: ToolChoice | null | undefined): readonly Tool[] {
  if (typeof choice !== 'object' || choice?.type !== 'allowed_tools') return tools
  const names = new Set((choice.tools ?? []).map(({ name }) => name))
  return tools.filter(({ name }) => names.has(name))
}

function chatTool({ name, description, parameters, strict }: Tool): { type: string; function: unknown } {
  const said = { ...(description != null && { description }), ...(parameters != null && { parameters }) }
  return { type: 'function', function: { name, ...said, ...(strict === true && { strict }) } }
}

function chatChoice(choice: ToolChoice | null | undefined): unknown {
  if (typeof choice !== 'object' || choice === null) return choice ?? undefined
  if (choice.type === 'allowed_tools') return choice.mode ?? 'auto'
  return { type: 'function', function: { name: choice.name } }
}
