import type { ToolCall } from '../tool-calls.ts'

/** Something the model said or did, as it stands in a response. */
export interface OutputItem {
  readonly id: string
  readonly type: 'message' | 'reasoning' | 'function_call'
  status: ItemStatus
  [field: string]: unknown
}

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

/** Tells an event of the response, which is written down at once: what it names may change afterwards. */
export type Emit = (type: string, fields: object) => void

/** What a model tells in pieces of text: its thoughts, its words, its refusal. */
export type Speech = 'reasoning_text' | 'output_text' | 'refusal'

interface SpeechPart {
  readonly type: Speech
  [field: string]: unknown
}

/** The output of one response, built up from pieces. Every change is told as the events of the Responses API. */
export interface Output {
  readonly items: readonly OutputItem[]
  say: (speech: Speech, delta: string, logprobs?: readonly unknown[]) => void
  /** A call as far as it is known; told again with every piece of it. */
  call: (call: ToolCall) => void
  /** Closes what is open. */
  end: (status: ItemStatus) => void
  /** Leaves what is open unfinished, and says nothing. */
  abandon: () => void
}

export function createOutput(id: string, emit: Emit): Output {
  const items: OutputItem[] = []
  const add = (item: Omit<OutputItem, 'id' | 'status'> & { type: OutputItem['type'] }, prefix: string): OutputItem => {
    const added: OutputItem = { id: `${prefix}_${id}_${items.length}`, ...item, status: 'in_progress' }
    emit('response.output_item.added', { output_index: items.length, item: added })
    items.push(added)
    return added
  }
  const close = (item: OutputItem, status: ItemStatus): void => {
    item.status = status
    emit('response.output_item.done', { output_index: items.indexOf(item), item: item })
  }
  const speaker = createSpeaker({ emit, add, close, indexOf: item => items.indexOf(item) })
  const calls = new Map<ToolCall, OutputItem>()
  return {
    items,
    say: speaker.say,
    call: call => {
      if (call.function.name === '') return
      speaker.end('completed')
      const item = calls.get(call) ?? add(callItem(call, `call_${id}_${items.length}`), 'fc')
      calls.set(call, item)
      const delta = call.function.arguments.slice((item.arguments as string).length)
      if (delta === '') return
      item.arguments = call.function.arguments
      const where = { item_id: item.id, output_index: items.indexOf(item) }
      emit('response.function_call_arguments.delta', { ...where, delta })
    },
    end: status => {
      speaker.end(status)
      for (const item of calls.values()) {
        const { id: item_id, name, arguments: given } = item
        const where = { item_id, output_index: items.indexOf(item) }
        emit('response.function_call_arguments.done', { ...where, name, arguments: given })
        close(item, status)
      }
    },
    abandon: () => {
      for (const item of items) if (item.status === 'in_progress') item.status = 'incomplete'
    },
  }
}

function callItem({ id, function: { name } }: ToolCall, fallbackId: string) {
  return { type: 'function_call' as const, call_id: id ?? fallbackId, name, arguments: '' }
}

interface SpeakerParts {
  emit: Emit
  add: (item: { type: OutputItem['type']; [field: string]: unknown }, prefix: string) => OutputItem
  close: (item: OutputItem, status: ItemStatus) => void
  indexOf: (item: OutputItem) => number
}

/** One item of speech is open at a time, and one part in it. */
function createSpeaker({ emit, add, close, indexOf }: SpeakerParts): Pick<Output, 'say' | 'end'> {
  let open: { item: OutputItem; parts: SpeechPart[] } | undefined
  const where = ({ item, parts }: NonNullable<typeof open>) => {
    return { item_id: item.id, output_index: indexOf(item), content_index: parts.length - 1 }
  }
  const endPart = (): void => {
    const part = open?.parts.at(-1)
    if (open === undefined || part === undefined) return
    const { type: _, annotations: __, ...told } = part
    emit(`response.${part.type}.done`, { ...where(open), ...told })
    emit('response.content_part.done', { ...where(open), part: part })
  }
  const end = (status: ItemStatus): void => {
    if (open === undefined) return
    endPart()
    close(open.item, status)
    open = undefined
  }
  const begin = (speech: Speech): { item: OutputItem; parts: SpeechPart[] } => {
    const type = speech === 'reasoning_text' ? 'reasoning' : 'message'
    if (open?.item.type !== type) end('completed')
    if (open === undefined) {
      const item = add(type === 'reasoning' ? emptyReasoning : emptyMessage, type === 'reasoning' ? 'rs' : 'msg')
      open = { item, parts: [] }
      item.content = open.parts
    } else if (open.parts.at(-1)?.type !== speech) endPart()
    if (open.parts.at(-1)?.type === speech) return open
    const part = emptyPart(speech)
    open.parts.push(part)
    emit('response.content_part.added', { ...where(open), part: part })
    return open
  }
  return {
    end,
    say: (speech, delta, logprobs = []) => {
      const opened = begin(speech)
      const part = opened.parts.at(-1)!
      const field = speech === 'refusal' ? 'refusal' : 'text'
      part[field] = `${part[field]}${delta}`
      if (speech !== 'output_text') return emit(`response.${speech}.delta`, { ...where(opened), delta })
      if (logprobs.length > 0) (part.logprobs as unknown[]).push(...logprobs)
      emit('response.output_text.delta', { ...where(opened), delta, logprobs })
    },
  }
}

const emptyMessage = { type: 'message', role: 'assistant', content: [] } as const
const emptyReasoning = { type: 'reasoning', summary: [], content: [] } as const

function emptyPart(type: Speech): SpeechPart {
  if (type === 'output_text') return { type, text: '', annotations: [], logprobs: [] }
  return type === 'refusal' ? { type, refusal: '' } : { type, text: '' }
}
