import type { ServerResponse } from 'node:http'
import type { Outcome, Reply } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { encodeEvent } from '../openai/index.ts'
import { failed, showCost } from './answer.ts'
import { type RawText, rawText } from './answer-text.ts'
import { breakOff, type Exchange, shown } from './exchange.ts'
import { createSseWriter, drained, type SseWriterOptions } from './sse-writer.ts'

/**
 * Writes a raw reply: one body, bytes as they come, or a server's own events. The first chunk is awaited before any header,
 * so that an error before it has its status. Afterwards events end with an error event; bytes have no place for one, so the
 * connection is broken off and what arrived never looks whole.
 */
export async function answerRaw(exchange: Exchange, reply: Reply, options: SseWriterOptions): Promise<void> {
  const { response } = exchange
  try {
    const first = await reply.next()
    if (first.done === true) throw new ParleyError('backend_failed', 'the backend ended without an answer')
    const text = rawText(exchange.record, first.value.meta.contentType)
    try {
      if (first.value.meta.contentType?.startsWith('text/event-stream')) {
        await events(exchange, reply, first, text, options)
      } else if (first.value.meta.isLast === true) await body(exchange, reply, first, text)
      else await bytes(response, reply, first, text, options)
    } finally {
      text.end()
    }
  } catch (cause) {
    failed(exchange, cause)
    throw cause
  } finally {
    await reply.return(undefined as never)
  }
}

type Step = Awaited<ReturnType<Reply['next']>>
type First = Extract<Step, { done?: false }>

async function body(exchange: Exchange, reply: Reply, { value }: First, text: RawText): Promise<void> {
  const { response } = exchange
  const booking = booked(reply)
  booking.catch(toldBelow)
  await showCost(exchange, booking)
  response.writeHead(200, { ...headersOf(value.meta), 'content-length': value.bytes.length })
  text.saw(value.bytes)
  response.end(value.bytes)
  if (exchange.record !== undefined) exchange.record.isAnswered = true
  await booking
}

/** Where it is waited for. */
function toldBelow(): void {}

/** What stands behind the body; whoever reads it has it by then. */
async function booked(reply: Reply): Promise<Outcome> {
  for (;;) {
    const step = await reply.next()
    if (step.done === true) return step.value
  }
}

async function bytes(
  response: ServerResponse,
  reply: Reply,
  first: First,
  text: RawText,
  { stallMs }: SseWriterOptions,
) {
  response.writeHead(200, { ...headersOf(first.value.meta), 'x-accel-buffering': 'no' })
  try {
    for (let step: Step = first; step.done !== true; step = await reply.next()) {
      const hasRoom = response.write(step.value.bytes)
      text.saw(step.value.bytes)
      if (!hasRoom) await drained(response, stallMs)
      if (response.destroyed) return
    }
  } catch (cause) {
    breakOff(response)
    throw cause
  }
  response.end()
}

async function events(
  { response, record }: Exchange,
  reply: Reply,
  first: First,
  text: RawText,
  options: SseWriterOptions,
): Promise<void> {
  const writer = createSseWriter(response, options)
  try {
    for (let step: Step = first; step.done !== true; step = await reply.next()) {
      text.saw(step.value.bytes)
      await writer.write(step.value.bytes)
      if (response.destroyed) return
    }
  } catch (cause) {
    if (response.destroyed) return
    const error = ParleyError.from(cause)
    if (record !== undefined) record.errorCode ??= error.code
    const isStalled = error.code === 'timeout' && response.writableNeedDrain
    writer.end(encodeEvent(JSON.stringify(shown(error, 'app'))))
    if (isStalled) response.destroy()
    return
  } finally {
    writer.close()
  }
  writer.end()
}

function headersOf({ contentType = 'application/octet-stream' }: { contentType?: string }): Record<string, string> {
  return { 'content-type': contentType, 'cache-control': 'no-transform' }
}
