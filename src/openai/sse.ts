/**
 * Server-sent events, read and written as bytes: an event that nobody looks into is never decoded.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */

/** One event as it stood on the wire, blank line included. */
export interface RawEvent {
  readonly bytes: Uint8Array
}

export interface ReadEventsOptions {
  /** Largest event accepted, in bytes; a stream that exceeds it throws `RangeError`. */
  maxEventBytes?: number
}

const LF = 10
const CR = 13
const defaultMaxEventBytes = 16 * 1024 * 1024

/** Frames a payload as one event. A payload with newlines becomes several `data:` lines, as the standard asks. */
export function encodeEvent(data: string, event?: string): Uint8Array {
  const lines = data.includes('\n') ? data.split('\n').join('\ndata: ') : data
  return Buffer.from(event === undefined ? `data: ${lines}\n\n` : `event: ${event}\ndata: ${lines}\n\n`)
}

/** A comment line: keeps proxies from closing a silent stream and is ignored by every reader. */
export function encodeComment(text: string): Uint8Array {
  return Buffer.from(`: ${text}\n\n`)
}

/** The fields of one event. `data` is undefined for a block without any (a comment, a lone `id:`). */
export function decodeEvent(bytes: Uint8Array): { event: string | undefined; data: string | undefined } {
  let event: string | undefined
  let data: string | undefined
  for (const line of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('utf8')
    .split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const field = line.slice(0, colon)
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') event = value
    else if (field === 'data') data = data === undefined ? value : `${data}\n${value}`
  }
  return { event, data }
}

/**
 * Cuts a byte stream into events at its blank lines, whatever the chunking and the line ends.
 * What follows the last blank line is not an event and is dropped: the caller decides, by its own terminal marker,
 * whether the stream was whole.
 */
export async function* readEvents(
  source: AsyncIterable<Uint8Array>,
  options: ReadEventsOptions = {},
): AsyncGenerator<RawEvent, void, void> {
  const cutter = createEventCutter(options)
  for await (const piece of source) {
    const { buffer, events } = cutter.cut(piece)
    for (const { start, end } of events) yield { bytes: buffer.subarray(start, end) }
  }
}

/** Where an event stands in a buffer, blank line included. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface EventCutter {
  /** The events that are whole with this piece, in order. Nothing is written to the buffer any more. */
  cut: (piece: Uint8Array) => { readonly buffer: Uint8Array; readonly events: readonly Span[] }
}

/** Throws `RangeError` for an event that is too large. */
export function createEventCutter({ maxEventBytes = defaultMaxEventBytes }: ReadEventsOptions = {}): EventCutter {
  let rest: Uint8Array = nothing
  let room: Uint8Array = nothing
  return {
    cut: piece => {
      const events: Span[] = []
      const scanFrom = Math.max(0, rest.length - 3)
      if (rest.length > 0) room = appended(room, rest, piece)
      const buffer = rest.length === 0 ? piece : room.subarray(0, rest.length + piece.length)
      let start = 0
      let end = blankLineEnd(buffer, scanFrom)
      while (end > 0) {
        if (!isBlank(buffer, start, end)) events.push({ start, end })
        start = end
        end = blankLineEnd(buffer, start)
      }
      // Events that were given away are views of the room: nothing may be written behind them any more.
      if (start > 0) room = nothing
      rest = buffer.subarray(start)
      // What came before it is given away first: it is thrown with the next piece then.
      if (rest.length > maxEventBytes && events.length === 0)
        throw new RangeError(`an event is larger than ${maxEventBytes} bytes`)
      return { buffer, events }
    },
  }
}

const nothing = new Uint8Array(0)

/** A room that begins with `rest`, then `piece`. It doubles when it is full, so an event in many pieces is copied twice. */
function appended(room: Uint8Array, rest: Uint8Array, piece: Uint8Array): Uint8Array {
  const needed = rest.length + piece.length
  if (room.length >= needed) {
    room.set(piece, rest.length)
    return room
  }
  const larger = Buffer.allocUnsafe(Math.max(needed, rest.length * 2))
  larger.set(rest)
  larger.set(piece, rest.length)
  return larger
}

/** The index after the first blank line at or after `from`, or -1. A CR at the very end waits for its possible LF. */
function blankLineEnd(buffer: Uint8Array, from: number): number {
  for (let i = buffer.indexOf(LF, from); i !== -1; i = buffer.indexOf(LF, i + 1)) {
    if (buffer[i + 1] === LF) return i + 2
    if (buffer[i + 1] === CR && buffer[i + 2] === LF) return i + 3
  }
  return blankLineOfCarriageReturns(buffer, from)
}

function blankLineOfCarriageReturns(buffer: Uint8Array, from: number): number {
  for (let i = buffer.indexOf(CR, from); i !== -1; i = buffer.indexOf(CR, i + 1)) {
    if (buffer[i + 1] === CR && i + 2 < buffer.length) return buffer[i + 2] === LF ? i + 3 : i + 2
  }
  return -1
}

function isBlank(buffer: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (buffer[at] !== LF && buffer[at] !== CR) return false
  return true
}
