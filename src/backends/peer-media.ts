import type { Outcome, RelayedCall } from '../core/index.ts'
import { ParleyError, pieceEvent } from '../core/index.ts'
import { Chunk, noUsage, readEvents, usageIn } from '../openai/index.ts'
import { createPieceReader } from '../session/index.ts'
import { unitsOf } from './media-counts.ts'
import type { OpenAiClientOptions } from './openai-client.ts'
import { asksForText, isNoSound, sendMedia } from './openai-media.ts'
import { letEnd } from './read-stream.ts'
import { peerRefusal } from './refusal.ts'
import { type Response, safeJson } from './send.ts'

type Answer = AsyncGenerator<Chunk, Omit<Outcome, 'servedBy'>, void>

const chunkBytesMax = 64 * 1024 * 1024

/**
 * Asks a peer for pictures, sound, transcripts, moderation or ranking. Its answer comes in pieces, which are put together
 * again, and messages about money, which are passed on.
 */
export async function* runPeerMedia(
  peer: OpenAiClientOptions,
  call: RelayedCall,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Answer {
  const response = await sendMedia(peer, call, { ...headers, accept: 'text/event-stream' }, signal)
  const type = String(response.headers['content-type'] ?? '').toLowerCase()
  if (!type.startsWith('text/event-stream')) {
    response.body.on('error', alreadyTold).destroy()
    throw new ParleyError('backend_failed', `${peer.name} did not stream its answer; try another provider`)
  }
  return yield* readPieces(peer, call, response.body, signal)
}

/** Destroying a body makes it emit the abort that was reported already. */
function alreadyTold(): void {}

async function* readPieces(
  { name }: OpenAiClientOptions,
  call: RelayedCall,
  body: Response['body'],
  signal: AbortSignal,
): Answer {
  const reader = createPieceReader(chunkBytesMax)
  let last: Chunk | undefined
  let isWhole = false
  try {
    for await (const { bytes } of readEvents(body.iterator({ destroyOnReturn: false }))) {
      const event = Chunk.relayed(bytes)
      const { event: named } = event
      if (named === undefined && event.data === '[DONE]') {
        isWhole = last !== undefined && reader.isBetween()
        break
      }
      if (named === undefined) throwIfError(name, event)
      else if (named !== pieceEvent) yield event
      else {
        const chunk = reader.add(event)
        if (chunk === undefined) continue
        requireFitting(name, call, chunk)
        last = chunk
        yield chunk
      }
    }
  } catch (cause) {
    throw broken(name, signal, cause)
  } finally {
    if (isWhole) letEnd(body)
    else body.on('error', alreadyTold).destroy()
  }
  if (!isWhole) throw new ParleyError('stream_cut', `${name} ended its answer without a terminal marker`)
  const json = last?.meta.isLast === true ? last.json() : undefined
  return { usage: json === undefined ? noUsage : usageIn(json), ...unitsOf(call, json) }
}

/** What a peer says of its own answer is held against what was asked, as that of any server is. */
function requireFitting(name: string, call: RelayedCall, chunk: Chunk): void {
  const { contentType = '', isLast } = chunk.meta
  const isEvents = contentType.startsWith('text/event-stream')
  if (call.task === 'speech' && !isEvents && isNoSound(contentType)) throw unfitting(name, 'no sound')
  if (isLast !== true || asksForText(call)) return
  const json = chunk.json()
  if (typeof json !== 'object' || json === null || (json as { error?: unknown }).error != null) {
    throw unfitting(name, 'not what was asked')
  }
}

function unfitting(name: string, what: string): ParleyError {
  return new ParleyError('backend_failed', `${name} answered something that is ${what}; try another provider`)
}

function throwIfError(name: string, { data }: Chunk): void {
  if (data === undefined) return
  const body = safeJson(data) as { error?: unknown } | null | undefined
  if (typeof body === 'object' && body?.error != null) throw peerRefusal({ name, body, retryAfter: undefined })
}

function broken(name: string, signal: AbortSignal, cause: unknown): ParleyError {
  if (cause instanceof ParleyError || signal.aborted) return ParleyError.from(cause, signal)
  if (cause instanceof RangeError) {
    return new ParleyError('backend_failed', `${name} sent an event that is too large to be one`, { cause })
  }
  return new ParleyError('stream_cut', `${name} broke off in the middle of its answer`, { cause })
}
