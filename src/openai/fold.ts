import type { ChatChunk, ToolCallDelta } from './chat.ts'
import type { Chunk } from './chunk.ts'
import type { CompletionChunk } from './completion.ts'
import type { Usage } from './usage.ts'

interface Choice {
  index: number
  finish_reason: string | null
  [field: string]: unknown
}

/** Folds the chunks of a stream into the body of an answer that was not streamed. */
export interface Folder {
  add: (chunk: Chunk) => void
  /** The whole body. Call it once, after the last chunk. */
  body: () => unknown
}

/** Chat: deltas into messages, tool calls by index, anything unknown in a delta (reasoning, refusals) by type. */
export function chatFolder(): Folder {
  return folder('chat.completion', (choice: Choice, delta: ChatChunk['choices'][number]) => {
    const message = (choice.message ??= { role: 'assistant', content: null }) as Record<string, unknown>
    for (const [field, value] of Object.entries(delta.delta)) mergeField(message, field, value)
  })
}

/** Completions: texts appended. */
export function completionFolder(): Folder {
  return folder('text_completion', (choice: Choice, delta: CompletionChunk['choices'][number]) => {
    choice.text = `${choice.text ?? ''}${delta.text}`
  })
}

/** Embeddings and whatever else answers with one body. */
export function singleFolder(): Folder {
  let body: unknown
  return {
    add: chunk => {
      body = chunk.json()
    },
    body: () => body,
  }
}

type Piece = {
  choices?: { index: number; finish_reason?: string | null | undefined; logprobs?: unknown }[]
  usage?: Usage | null
}

function folder<D>(object: string, merge: (choice: Choice, delta: D) => void): Folder {
  const choices = new Map<number, Choice>()
  let head: Record<string, unknown> = {}
  let usage: unknown
  return {
    add: chunk => {
      const { choices: deltas = [], usage: reported, ...rest } = chunk.json() as Piece & Record<string, unknown>
      head = { ...rest, ...head }
      usage = reported ?? usage
      for (const delta of deltas) {
        const choice = choices.get(delta.index) ?? { index: delta.index, finish_reason: null }
        choices.set(delta.index, choice)
        merge(choice, delta as D)
        choice.finish_reason = delta.finish_reason ?? choice.finish_reason
        if (delta.logprobs != null) choice.logprobs = mergeLogprobs(choice.logprobs, delta.logprobs)
      }
    },
    body: () => ({
      ...head,
      object,
      choices: [...choices.values()].sort((a, b) => a.index - b.index),
      ...(usage !== undefined && { usage }),
    }),
  }
}

function mergeField(message: Record<string, unknown>, field: string, value: unknown): void {
  if (value === undefined || value === null) return
  if (field === 'role') message.role = value
  else if (field === 'tool_calls') message.tool_calls = mergeToolCalls(message.tool_calls, value as ToolCallDelta[])
  else if (typeof value === 'string') message[field] = `${message[field] ?? ''}${value}`
  else if (Array.isArray(value)) message[field] = [...((message[field] as unknown[]) ?? []), ...value]
  else message[field] = value
}

function mergeToolCalls(known: unknown, deltas: ToolCallDelta[]): unknown[] {
  const calls = (known ?? []) as Record<string, unknown>[]
  for (const { index, function: fn, ...rest } of deltas) {
    const call = (calls[index] ??= { type: 'function' })
    Object.assign(call, rest)
    if (fn === undefined) continue
    const target = (call.function ??= { name: '', arguments: '' }) as { name: string; arguments: string }
    target.name += fn.name ?? ''
    target.arguments += fn.arguments ?? ''
  }
  return calls
}

function mergeLogprobs(known: unknown, delta: unknown): unknown {
  if (known === undefined || known === null) return structuredClone(delta)
  const merged = known as Record<string, unknown>
  for (const [field, value] of Object.entries(delta as Record<string, unknown>)) {
    if (Array.isArray(value)) merged[field] = [...((merged[field] as unknown[]) ?? []), ...value]
    else if (value !== null) merged[field] = value
  }
  return merged
}
