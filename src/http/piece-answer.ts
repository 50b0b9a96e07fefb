import type { ServerResponse } from 'node:http'
import type { Reply } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { type Chunk, encodeEvent } from '../openai/index.ts'
import { piecesOf } from '../session/index.ts'
import { shown } from './exchange.ts'
import { createSseWriter, type SseWriter, type SseWriterOptions } from './sse-writer.ts'

const done = encodeEvent('[DONE]')

/**
 * Writes a raw reply to a peer: in pieces, with messages about money between and behind them. The first chunk is awaited
 * before any header. An answer that breaks off ends with an error event and without the end mark.
 */
export async function answerInPieces(response: ServerResponse, reply: Reply, options: SseWriterOptions): Promise<void> {
  try {
    const first = await reply.next()
    if (first.done === true) throw new ParleyError('backend_failed', 'the backend ended without an answer')
    const writer = createSseWriter(response, options)
    try {
      for (let step: Awaited<ReturnType<Reply['next']>> = first; step.done !== true; step = await reply.next()) {
        await writeChunk(writer, response, step.value)
        if (response.destroyed) return
      }
      writer.end(done)
    } catch (cause) {
      if (response.destroyed) return
      const error = ParleyError.from(cause)
      const isStalled = error.code === 'timeout' && response.writableNeedDrain
      writer.end(encodeEvent(JSON.stringify(shown(error))))
      if (isStalled) response.destroy()
    } finally {
      writer.close()
    }
  } finally {
    await reply.return(undefined as never)
  }
}

async function writeChunk(writer: SseWriter, response: ServerResponse, chunk: Chunk): Promise<void> {
  for (const bytes of chunk.isRaw ? piecesOf(chunk) : [chunk.bytes]) {
    await writer.write(bytes)
    if (response.destroyed) return
  }
  if (chunk.event !== undefined) writer.flush()
}
