import type { Chunk } from '../openai/index.ts'

const reasonMark = Buffer.from('"finish_reason":"')
const [space, quote, colon] = [32, 34, 58]

/** Whether an event says nothing but words, so that it may stand in a run. */
export function isPlainWords(chunk: Chunk): boolean {
  if (chunk.isRaw || chunk.meta.isLast === true || chunk.event !== undefined || chunk.usage() !== undefined)
    return false
  return !asBuffer(chunk.bytes).includes(reasonMark)
}

/** An event with another id in place of its own; as it is where it has none. */
export function renamedId(bytes: Uint8Array, old: string, id: string): Uint8Array {
  if (old === '') return bytes
  const buffer = asBuffer(bytes)
  const value = Buffer.from(JSON.stringify(old))
  for (let at = buffer.indexOf(value); at !== -1; at = buffer.indexOf(value, at + 1)) {
    if (!isOfField(buffer, at)) continue
    return Buffer.concat([buffer.subarray(0, at), Buffer.from(JSON.stringify(id)), buffer.subarray(at + value.length)])
  }
  return bytes
}

/** Whether what stands at `at` is the value of a field called `id`. */
function isOfField(buffer: Buffer, at: number): boolean {
  let before = at - 1
  while (buffer[before] === space) before--
  if (buffer[before] !== colon) return false
  before--
  while (buffer[before] === space) before--
  return buffer[before] === quote && buffer.toString('latin1', before - 3, before) === '"id'
}

/** A copy in which `old`, a text that is nothing else's, is `id` wherever it stands. Both have the same length. */
export function withId(bytes: Buffer, old: string, id: string): Buffer {
  const copy = Buffer.from(bytes)
  if (old === '') return copy
  const [mark, next] = [Buffer.from(old), Buffer.from(id)]
  for (let at = copy.indexOf(mark); at !== -1; at = copy.indexOf(mark, at + mark.length)) next.copy(copy, at)
  return copy
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
