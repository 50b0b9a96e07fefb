import type { ChatMessage } from '../chat.ts'
import type { InputItem, Part } from './input-item.ts'

type Assistant = ChatMessage & { tool_calls?: unknown[] }

/**
 * Instructions and items as the messages of a chat. What the assistant thought, said and called in one turn becomes one
 * message; what opens the conversation becomes one system message, because many templates know no more than that.
 */
export function chatMessages(instructions: string | null | undefined, items: readonly InputItem[]): ChatMessage[] {
  const messages: ChatMessage[] = instructions ? [{ role: 'system', content: instructions }] : []
  for (const item of items) {
    if (item.type === 'message' && item.role !== 'assistant') {
      addMessage(messages, item.role === 'user' ? 'user' : 'system', item.content)
    } else if (item.type === 'function_call_output') {
      messages.push({ role: 'tool', tool_call_id: item.call_id, content: chatContent(item.output) })
    } else if (item.type !== 'reasoning' || thoughtsOf(item) !== '') addToAssistant(messages, item)
  }
  return messages
}

function addMessage(messages: ChatMessage[], role: 'user' | 'system', parts: readonly Part[]): void {
  const content = chatContent(parts)
  const last = messages.at(-1)
  const opens = role === 'system' && messages.length === 1 && last?.role === 'system'
  if (opens && typeof last.content === 'string' && typeof content === 'string') last.content += `\n\n${content}`
  else messages.push({ role, content })
}

function addToAssistant(messages: ChatMessage[], item: InputItem): void {
  const turn = openTurn(messages, item)
  if (item.type === 'message') {
    turn.content = [turn.content, textOf(item.content)].filter(text => text).join('\n\n')
    const refusals = item.content.flatMap(part => (part.type === 'refusal' ? [part.refusal] : []))
    if (refusals.length > 0) turn.refusal = refusals.join('')
  } else if (item.type === 'function_call') {
    const called = { name: item.name, arguments: item.arguments }
    turn.tool_calls = [...(turn.tool_calls ?? []), { id: item.call_id, type: 'function', function: called }]
  } else if (item.type === 'reasoning') {
    turn.reasoning_content = thoughtsOf(item)
  }
}

/** Thoughts in plain words go back to who thought them; summaries and sealed ones say nothing to a chat. */
function thoughtsOf({ content }: InputItem): string {
  return ((content ?? []) as { text?: unknown }[]).map(({ text }) => text).join('')
}

/** A new turn begins after anybody else's message, and with a thought after something was done. */
function openTurn(messages: ChatMessage[], item: InputItem): Assistant {
  const last = messages.at(-1) as Assistant | undefined
  const isThoughtAfter = item.type === 'reasoning' && (last?.content != null || last?.tool_calls !== undefined)
  const isSaidAfter = item.type === 'message' && last?.tool_calls !== undefined
  if (last?.role === 'assistant' && !isThoughtAfter && !isSaidAfter) return last
  const turn: Assistant = { role: 'assistant', content: null }
  messages.push(turn)
  return turn
}

function textOf(parts: readonly Part[]): string {
  return parts.map(part => ('text' in part && typeof part.text === 'string' ? part.text : '')).join('')
}

/** One text stays plain: servers that read nothing else are common. */
function chatContent(parts: readonly Part[]): NonNullable<ChatMessage['content']> {
  const [only] = parts
  if (parts.length === 0) return ''
  if (parts.length === 1 && only !== undefined && 'text' in only) return String(only.text)
  return parts.map(chatPart)
}

function chatPart(part: Part): { type: string; [field: string]: unknown } {
  switch (part.type) {
    case 'input_image':
      return {
        type: 'image_url',
        image_url: { url: part.image_url, ...(part.detail != null && { detail: part.detail }) },
      }
    case 'input_file':
      return {
        type: 'file',
        file: { file_data: part.file_data, ...(part.filename != null && { filename: part.filename }) },
      }
    case 'input_audio':
      return { type: 'input_audio', input_audio: part.input_audio }
    case 'refusal':
      return { type: 'text', text: part.refusal }
    default:
      return { type: 'text', text: part.text }
  }
}
