import type { ChatChunk } from './chat.ts'
import type { Chunk } from './chunk.ts'
import type { CompletionChunk } from './completion.ts'
import { mergeField } from './merge.ts'
import { createToolCalls, type ToolCalls } from './tool-calls.ts'
import type { Usage } from './usage.ts'

interface Choice {
  index: number
  finish_reason: string | null
  logprobs: unknown
  [field: string]: unknown
}

/** Folds the chunks of a stream into the body of an answer that was not streamed. */
export interface Folder {
  add: (chunk: Chunk) => void
  /** The whole body. Call it once, after the last chunk. `counted` stands in where the chunks reported no usage. */
  body: (counted?: Usage) => unknown
}

/** Chat: deltas into messages, tool calls by index, anything unknown in a delta (reasoning, sound) by type. */
export function chatFolder(): Folder {
  const calls = new Map<Choice, ToolCalls>()
  const merge = (choice: Choice, { delta }: Partial<ChatChunk['choices'][number]>) => {
    const message = (choice.message ??= { role: 'assistant', content: null, refusal: null }) as Record<string, unknown>
    for (const [field, value] of Object.entries(delta ?? {}))
      if (field !== 'tool_calls') mergeField(message, field, value)
    for (const call of delta?.tool_calls ?? []) {
      if (!calls.has(choice)) calls.set(choice, createToolCalls())
      calls.get(choice)?.add(call)
    }
  }
  return folder('chat.completion', 'delta', merge, choice => {
    const toolCalls = calls.get(choice)?.list()
    if (toolCalls !== undefined) choice.message = { ...(choice.message as object), tool_calls: toolCalls }
    choice.finish_reason ??= toolCalls === undefined ? 'stop' : 'tool_calls'
    if (choice.logprobs !== null) choice.logprobs = { content: null, refusal: null, ...(choice.logprobs as object) }
  })
}

/** Completions: texts appended. */
export function completionFolder(): Folder {
  const merge = (choice: Choice, { text }: Partial<CompletionChunk['choices'][number]>) => {
    choice.text = `${choice.text ?? ''}${text ?? ''}`
  }
  return folder('text_completion', 'text', merge, choice => {
    choice.finish_reason ??= 'stop'
  })
}

/** Whatever answers with one body. */
export function singleFolder(): Folder {
  let body: unknown
  return {
    add: chunk => {
      body = chunk.json()
    },
    body: () => body,
  }
}

interface Piece {
  choices?: Delta[]
  usage?: Usage | null
  [field: string]: unknown
}

type Delta = { index?: number; finish_reason?: string | null; logprobs?: unknown } & Record<string, unknown>

/** `said` is the field of a choice that `merge` takes care of; others that no one knows are kept as they are. */
function folder<D>(
  object: string,
  said: string,
  merge: (choice: Choice, delta: D) => void,
  finish: (choice: Choice) => void,
): Folder {
  const choices = new Map<number, Choice>()
  const head: Record<string, unknown> = {}
  let usage: unknown
  const addOne = (chunk: Chunk) => {
    const { choices: deltas, usage: reported, ...rest } = chunk.json() as Piece
    for (const [field, value] of Object.entries(rest)) if (isBlank(head[field])) head[field] = value
    usage = reported ?? usage
    for (const delta of deltas ?? []) {
      const choice = choiceAt(choices, delta.index ?? 0)
      merge(choice, delta as D)
      mergeChoice(choice, delta, said)
    }
  }
  return {
    add: chunk => {
      for (const part of chunk.parts()) addOne(part)
    },
    body: counted => {
      const sorted = [...choices.values()].sort((a, b) => a.index - b.index)
      sorted.forEach(finish)
      const all = usage ?? counted
      return { ...head, object, choices: sorted, ...(all !== undefined && { usage: all }) }
    },
  }
}

const maxChoices = 4_096

function choiceAt(choices: Map<number, Choice>, index: number): Choice {
  const choice = choices.get(index) ?? { index, finish_reason: null, logprobs: null }
  choices.set(index, choice)
  if (choices.size > maxChoices) throw new RangeError(`an answer has more than ${maxChoices} choices`)
  return choice
}

function mergeChoice(choice: Choice, delta: Delta, said: string): void {
  for (const [field, value] of Object.entries(delta)) {
    if (value == null || field === said || field === 'index') continue
    if (field === 'logprobs') choice.logprobs = mergeLogprobs(choice.logprobs, value)
    else choice[field] = value
  }
}

/** Some servers begin with a chunk whose id and model are empty. */
function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === 0
}

function mergeLogprobs(known: unknown, delta: unknown): unknown {
  if (known === null) return structuredClone(delta)
  const merged = known as Record<string, unknown>
  for (const [field, value] of Object.entries(delta as Record<string, unknown>)) {
    if (Array.isArray(value)) merged[field] = [...((merged[field] as unknown[] | null) ?? []), ...value]
    else if (value !== null) merged[field] = value
  }
  return merged
}
