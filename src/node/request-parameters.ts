import type { Call, JsonDocument } from '../core/index.ts'

/** Numbers, switches and names of ways to answer: none of them holds a word of a prompt. */
const plain = [
  ...[
    'stream',
    'max_tokens',
    'max_completion_tokens',
    'max_output_tokens',
    'temperature',
    'top_p',
    'top_k',
    'min_p',
    'n',
  ],
  ...[
    'seed',
    'presence_penalty',
    'frequency_penalty',
    'repetition_penalty',
    'logprobs',
    'top_logprobs',
    'best_of',
    'echo',
  ],
  ...['parallel_tool_calls', 'reasoning_effort', 'service_tier', 'store', 'dimensions', 'encoding_format', 'top_n'],
  ...['size', 'quality', 'style', 'background', 'output_format', 'voice', 'speed', 'verbosity'],
]
/** Lists of which only the length is kept. */
const counted = ['messages', 'tools', 'functions', 'documents', 'form']
const toolChoices = ['none', 'auto', 'required']
const textMaxLength = 32

/** What a request asked for beside its words. */
export function parametersOf({ task, body }: Call): JsonDocument {
  const fields = body as Readonly<Record<string, unknown>>
  const kept = plain.flatMap(name => (isPlain(fields[name]) ? [[name, fields[name]]] : []))
  const counts = counted.flatMap(name => (Array.isArray(fields[name]) ? [[name, fields[name].length]] : []))
  const format = (fields.response_format as { type?: unknown } | null | undefined)?.type ?? fields.response_format
  return {
    task,
    ...Object.fromEntries([...kept, ...counts]),
    ...(isPlain(format) && { response_format: format }),
    ...(fields.stop != null && { stop: Array.isArray(fields.stop) ? fields.stop.length : 1 }),
    ...(fields.input != null && { inputs: Array.isArray(fields.input) ? fields.input.length : 1 }),
    ...(fields.tool_choice != null && {
      tool_choice: toolChoices.find(choice => choice === fields.tool_choice) ?? 'function',
    }),
  }
}

/** A text that is longer than any name, or has a blank in it, is not one. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= textMaxLength && /^[\w.-]+$/.test(value)
  return typeof value === 'number' || typeof value === 'boolean'
}
