import { ApiError } from './client-error.ts'

/** Bounds of one read: who asked may leave, and silence ends. */
export interface Patience {
  readonly signal: AbortSignal
  /** Longest silence, in milliseconds. */
  readonly idleMs: number
}

/** What comes within its bounds; else `cancelled` or `timeout` at once, whatever becomes of the promise. */
export async function patiently<T>(promise: Promise<T>, { signal, idleMs }: Patience): Promise<T> {
  promise.catch(heardHere)
  const { promise: bound, reject } = Promise.withResolvers<never>()
  const leave = () => reject(new ApiError('cancelled', 'the answer was stopped', { cause: signal.reason }))
  const timer = setTimeout(
    () => reject(new ApiError('timeout', `the server said nothing for ${Math.round(idleMs / 1000)} s; try again`)),
    idleMs,
  )
  signal.addEventListener('abort', leave)
  if (signal.aborted) leave()
  try {
    return await Promise.race([promise, bound])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
  }
}

/** Who raced it tells of its failure. */
function heardHere(): void {}

/** A server may take so long to close what it has ended. */
const closingMs = 250

/**
 * The text of a body as it comes, however its characters are cut. Who stops reading ends the transfer; only where `isWhole`
 * says that nothing is missing, the server may close it by itself.
 */
export async function* readText(
  { body }: Response,
  patience: Patience,
  isWhole: () => boolean = () => false,
): AsyncGenerator<string, void, void> {
  if (body === null) return
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader()
  const decoder = new TextDecoder()
  let isOpen = true
  try {
    for (;;) {
      const { done, value } = await patiently(reader.read(), patience)
      if (done) break
      yield decoder.decode(value, { stream: true })
    }
    isOpen = false
    yield decoder.decode()
  } catch (cause) {
    if (cause instanceof ApiError) throw cause
    throw new ApiError('stream_cut', cutMessage, { cause })
  } finally {
    if (isOpen) void close(reader, isWhole() ? patience.signal : undefined)
  }
}

export const cutMessage = 'the connection broke before the answer was whole; what came is incomplete'

/** An answer that is over may end by itself: a connection that ended well is used again, and its server booked no break. */
async function close(reader: ReadableStreamDefaultReader<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
  try {
    if (signal !== undefined) await patiently(reader.read(), { signal, idleMs: closingMs })
  } catch {
    // It is cancelled in any case.
  }
  await reader.cancel().catch(heardHere)
}

/** All of a body, up to `max` characters. */
export async function readWhole(texts: AsyncIterable<string>, max: number): Promise<string> {
  let whole = ''
  for await (const text of texts) {
    whole += text
    if (whole.length > max) throw tooLarge(max)
  }
  return whole
}

/** Characters of one event, its fields and comments. */
const eventMax = 1024 * 1024

/** The payloads of events, in order. */
export interface EventReader {
  /** Those that are whole with this text. Throws `too_large`. */
  push: (text: string) => string[]
  /** Those that lacked nothing but the blank line behind them. */
  end: () => string[]
}

/** Line ends of all three kinds, comments, several data lines: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function createEventReader(): EventReader {
  let line = ''
  let data: string | undefined
  let size = 0
  let endsInReturn = false
  const take = (found: string[]) => {
    if (line === '') {
      if (data !== undefined) found.push(data)
      data = undefined
      size = 0
    } else if (line === 'data' || line.startsWith('data:')) {
      const value = line.slice(line[5] === ' ' ? 6 : 5)
      data = data === undefined ? value : `${data}\n${value}`
    }
    line = ''
  }
  const grow = (text: string) => {
    line += text
    size += text.length
    if (size > eventMax) throw tooLarge(eventMax)
  }
  const push = (text: string) => {
    const found: string[] = []
    let from = endsInReturn && text.startsWith('\n') ? 1 : 0
    if (text !== '') endsInReturn = text.endsWith('\r')
    for (let at = nextEnd(text, from); at !== -1; at = nextEnd(text, from)) {
      grow(text.slice(from, at))
      take(found)
      from = text[at] === '\r' && text[at + 1] === '\n' ? at + 2 : at + 1
    }
    grow(text.slice(from))
    return found
  }
  return { push, end: () => push('\n\n') }
}

function nextEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 10 || unit === 13) return at
  }
  return -1
}

function tooLarge(max: number): ApiError {
  return new ApiError('too_large', `the server sent more than ${max} characters at once; ask for a shorter answer`)
}
