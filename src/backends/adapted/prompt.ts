import type {
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider'
import { ParleyError } from '../../core/index.ts'
import type { ChatMessage } from '../../openai/index.ts'

type Part = Readonly<Record<string, unknown>> & { readonly type: string }
type Role<R extends LanguageModelV4Message['role']> = Extract<LanguageModelV4Message, { role: R }>

export interface PromptOptions {
  /** How the service is called in errors. */
  readonly name: string
  readonly takesLateInstructions: boolean
}

/**
 * A conversation as the services' packages take it. Results of tools that stand together become one message, since
 * services want as many results in a turn as it had calls; instructions go to the front where they may stand nowhere else.
 */
export function promptOf(messages: readonly ChatMessage[], options: PromptOptions): LanguageModelV4Prompt {
  const tools = new Map<string, string>()
  const prompt: LanguageModelV4Prompt = []
  for (const [index, message] of messages.entries()) {
    const reader = { ...options, where: `messages[${index}]`, tools }
    const converted = convert(message, reader)
    const before = prompt.at(-1)
    if (converted === undefined) continue
    if (converted.role === 'tool' && before?.role === 'tool') before.content.push(...converted.content)
    else prompt.push(converted)
  }
  if (options.takesLateInstructions) return prompt
  return [...prompt.filter(({ role }) => role === 'system'), ...prompt.filter(({ role }) => role !== 'system')]
}

interface Reader extends PromptOptions {
  /** The message, as its sender would point at it. */
  readonly where: string
  /** Names of the tools that were called, by the id of the call. */
  readonly tools: Map<string, string>
}

/** Undefined for a message that says nothing. */
function convert(message: ChatMessage, reader: Reader): LanguageModelV4Message | undefined {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: textOf(message, reader) }
    case 'user':
      return { role: 'user', content: partsOf(message).map((part, index) => userPart(part, at(reader, index))) }
    case 'assistant':
      return assistant(message, reader)
    case 'tool':
      return { role: 'tool', content: [toolResult(message, reader)] }
    case 'function':
      throw cannot(reader, 'messages of the role function; use tools and the role tool')
  }
}

function at(reader: Reader, index: number): Reader {
  return { ...reader, where: `${reader.where}.content[${index}]` }
}

function partsOf({ content }: ChatMessage): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return content ?? []
}

function userPart(part: Part, reader: Reader): LanguageModelV4TextPart | LanguageModelV4FilePart {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: String(part.text ?? '') }
    case 'image_url':
      return image(part.image_url, reader)
    case 'file':
      return file(part.file, reader)
    case 'input_audio':
      throw cannot(reader, 'audio')
    default:
      throw cannot(reader, 'parts of this type')
  }
}

/** Text alone, where nothing else may stand. */
function textOf(message: ChatMessage, reader: Reader): string {
  return partsOf(message)
    .map((part, index) => {
      if (part.type === 'text') return String(part.text ?? '')
      if (part.type === 'refusal') return String(part.refusal ?? '')
      throw cannot(at(reader, index), `anything but text in a message of the role ${message.role}`)
    })
    .join('')
}

function image(value: unknown, reader: Reader): LanguageModelV4FilePart {
  const url = typeof value === 'string' ? value : (value as { url?: unknown } | null | undefined)?.url
  if (typeof url !== 'string' || !URL.canParse(url)) throw malformed(reader, 'image_url.url is not a URL')
  if (url.startsWith('data:')) return inline(url, reader, 'image/jpeg')
  const address = new URL(url)
  if (!/^https?:$/.test(address.protocol)) throw malformed(reader, 'image_url.url is neither http(s) nor data')
  return { type: 'file', mediaType: typeByName(address.pathname), data: { type: 'url', url: address } }
}

function file(value: unknown, reader: Reader): LanguageModelV4FilePart {
  const { file_data, filename } = (value ?? {}) as { file_data?: unknown; filename?: unknown }
  if (typeof file_data !== 'string') throw cannot(reader, 'files that are not sent along; send file_data')
  const part = inline(file_data, reader, 'application/pdf')
  return typeof filename === 'string' ? { ...part, filename } : part
}

const dataUrl = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[^,;]+)*;base64,/i

function inline(url: string, reader: Reader, fallbackType: string): LanguageModelV4FilePart {
  const head = dataUrl.exec(url)
  if (head === null) throw malformed(reader, 'the data URL is not in base64')
  const mediaType = (head[1] ?? fallbackType).toLowerCase()
  return { type: 'file', mediaType, data: { type: 'data', data: url.slice(head[0].length) } }
}

const imageTypes: Readonly<Record<string, string>> = { png: 'image/png', webp: 'image/webp', gif: 'image/gif' }

/** Services want to be told what they will find behind a URL. */
function typeByName(path: string): string {
  return imageTypes[path.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'image/jpeg'
}

function assistant(message: ChatMessage, reader: Reader): Role<'assistant'> | undefined {
  if (message.function_call != null) throw cannot(reader, 'function_call; use tool_calls')
  const text = textOf(message, reader)
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.map(call => toolCall(call, reader)) : []
  const content = [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...calls]
  return content.length === 0 ? undefined : { role: 'assistant', content }
}

function toolCall(value: unknown, reader: Reader): LanguageModelV4ToolCallPart {
  const { id, function: called } = (value ?? {}) as { id?: unknown; function?: { name?: unknown; arguments?: unknown } }
  const name = called?.name
  if (typeof id !== 'string' || typeof name !== 'string') {
    throw malformed(reader, 'an entry of tool_calls has no id or no function name')
  }
  reader.tools.set(id, name)
  return { type: 'tool-call', toolCallId: id, toolName: name, input: inputOf(called?.arguments) }
}

/** Models write arguments that are no JSON; they then stand as the text they are, for the model to see. */
function inputOf(text: unknown): unknown {
  if (typeof text !== 'string' || text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    return { arguments: text }
  }
}

function toolResult(message: ChatMessage, reader: Reader): LanguageModelV4ToolResultPart {
  const id = String(message.tool_call_id ?? '')
  const toolName = reader.tools.get(id)
  if (toolName === undefined) throw malformed(reader, 'tool_call_id names no call of an earlier message')
  const value = textOf(message, reader)
  return { type: 'tool-result', toolCallId: id, toolName, output: { type: 'text', value } }
}

function cannot({ name, where }: Reader, what: string): ParleyError {
  return new ParleyError('unsupported', `${name} does not take ${what}`, { param: where })
}

function malformed({ where }: Reader, what: string): ParleyError {
  return new ParleyError('invalid_request', `${where}: ${what}; correct the request`, { param: where })
}
