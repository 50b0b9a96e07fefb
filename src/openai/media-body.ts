import { noUsage, type Usage, usageOf } from './usage.ts'

/** What the body of an answer that is no text says of its size; an event's, where it came as events. */
type Fields = Readonly<Record<string, unknown>>

/** The tokens it reports, under the names its kind of answer uses for them. */
export function usageIn(body: unknown): Usage {
  const used = fieldsOf(fieldsOf(body).usage)
  const input = count(used.input_tokens ?? used.prompt_tokens)
  const output = count(used.output_tokens ?? used.completion_tokens)
  if (input + output > 0) return usageOf(input, output)
  const total = count(used.total_tokens)
  return total > 0 ? usageOf(total, 0) : noUsage
}

/** The pictures it holds or names; an entry with neither is none. */
export function imagesIn(body: unknown): number {
  const { data } = fieldsOf(body)
  return Array.isArray(data) ? data.filter(isImage).length : 0
}

function isImage(entry: unknown): boolean {
  const { b64_json, url } = fieldsOf(entry)
  return [b64_json, url].some(text => typeof text === 'string' && text !== '')
}

/** How long the sound was that was heard, told by a detailed transcript or as what is billed; 0 when it is not told. */
export function secondsIn(body: unknown): number {
  const { duration, usage } = fieldsOf(body)
  const length = Number(fieldsOf(usage).seconds ?? duration)
  return Number.isFinite(length) && length > 0 ? length : 0
}

/** Characters as they are billed: code points, not code units. */
export function charactersIn(text: string): number {
  let characters = 0
  for (const _ of text) characters++
  return characters
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
