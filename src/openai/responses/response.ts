import type { Usage } from '../usage.ts'
import type { OutputItem } from './output.ts'
import type { ResponsesRequest, Tool } from './request.ts'

export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete' | 'failed'

/** What is known of a response at one moment. */
export interface ResponseState {
  readonly id: string
  /** Unix seconds. */
  readonly createdAt: number
  readonly model: string
  readonly status: ResponseStatus
  readonly output: readonly OutputItem[]
  readonly finishReason?: string | null | undefined
  readonly usage?: Usage | undefined
  readonly error?: { code: string; message: string } | undefined
}

/** The object an app sees: the answer, and the request as it was understood. */
export function responseBody(request: ResponsesRequest, state: ResponseState): Record<string, unknown> {
  const { id, createdAt, model, status, output, error, usage } = state
  return {
    id,
    object: 'response',
    created_at: createdAt,
    status,
    background: false,
    error: error ?? null,
    incomplete_details: status === 'incomplete' ? { reason: incompleteReason(state) } : null,
    model,
    output,
    ...echo(request),
    ...(usage !== undefined && { usage: responseUsage(usage) }),
  }
}

function echo(request: ResponsesRequest): Record<string, unknown> {
  const { text, reasoning, tools, user } = request
  return {
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: reasoning?.effort ?? null, summary: null },
    store: false,
    temperature: request.temperature ?? null,
    text: { format: text?.format ?? { type: 'text' }, ...(text?.verbosity != null && { verbosity: text.verbosity }) },
    tool_choice: request.tool_choice ?? 'auto',
    tools: (tools ?? []).map(echoedTool),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? null,
    truncation: 'disabled',
    ...(user != null && { user }),
  }
}

function echoedTool(tool: Tool): Record<string, unknown> {
  return { ...tool, parameters: tool.parameters ?? null, strict: tool.strict ?? null }
}

function incompleteReason({ finishReason }: ResponseState): string {
  return finishReason === 'content_filter' ? 'content_filter' : 'max_output_tokens'
}

function responseUsage({ prompt_tokens, completion_tokens, total_tokens, ...details }: Usage): Record<string, unknown> {
  const count = (group: string, name: string): number => {
    const counts = details[group] as Record<string, unknown> | null | undefined
    return typeof counts?.[name] === 'number' ? counts[name] : 0
  }
  return {
    input_tokens: prompt_tokens,
    input_tokens_details: {
      cached_tokens: count('prompt_tokens_details', 'cached_tokens'),
      cache_write_tokens: count('prompt_tokens_details', 'cache_write_tokens'),
    },
    output_tokens: completion_tokens,
    output_tokens_details: { reasoning_tokens: count('completion_tokens_details', 'reasoning_tokens') },
    total_tokens,
  }
}
