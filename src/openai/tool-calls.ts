import type { ToolCallDelta } from './chat.ts'

/** A call of a tool, as far as it has been told. */
export interface ToolCall {
  id?: string
  type: string
  function: { name: string; arguments: string }
  [field: string]: unknown
}

/** The tool calls of one message, told in pieces. */
export interface ToolCalls {
  /** Puts a piece to the call it belongs to, and gives that back. Throws `RangeError` on too many. */
  add: (delta: ToolCallDelta) => ToolCall
  /** All of them in the order of their indexes. */
  list: () => ToolCall[]
}

const maxCalls = 1_024

/** By index, or by id and order where a server leaves the index out. Indexes may have gaps and come in any order. */
export function createToolCalls(): ToolCalls {
  const calls = new Map<number, ToolCall>()
  const placeOf = (id: unknown): number => {
    const found = [...calls].find(([, call]) => call.id === id)?.[0]
    return found ?? (id ? calls.size : Math.max(0, calls.size - 1))
  }
  return {
    add: delta => {
      const at = delta.index ?? placeOf(delta.id)
      const call = calls.get(at) ?? { type: 'function', function: { name: '', arguments: '' } }
      calls.set(at, call)
      if (calls.size > maxCalls) throw new RangeError(`a message calls more than ${maxCalls} tools`)
      merge(call, delta)
      return call
    },
    list: () => [...calls].sort(([a], [b]) => a - b).map(([, call]) => call),
  }
}

/** Arguments come in pieces, a name once, though some servers repeat it and say the id again as an empty text. */
function merge(call: ToolCall, { index: _, function: said, ...rest }: ToolCallDelta): void {
  for (const [field, value] of Object.entries(rest)) if (value != null && value !== '') call[field] = value
  if (said == null) return
  const { name, arguments: piece, ...others } = said
  if (name != null && name !== call.function.name) call.function.name += name
  call.function.arguments += typeof piece === 'object' && piece !== null ? JSON.stringify(piece) : (piece ?? '')
  Object.assign(call.function, others)
}
