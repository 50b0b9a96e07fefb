import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome, Reply, TokenCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { type Chunk, chatFolder, completionFolder, embeddingFolder, type Folder } from '../openai/index.ts'
import { type AnswerText, answerText } from './answer-text.ts'
import { boundedFolder } from './bounded-folder.ts'
import { type Exchange, sendJson } from './exchange.ts'
import { createSseWriter, type SseWriterOptions } from './sse-writer.ts'
import { appView, peerView, type View } from './view.ts'

export interface AnswerOptions extends SseWriterOptions {
  /** Whether messages between nodes may pass: true on the listener for peers only. */
  readonly isPeer: boolean
}

function folderOf(call: TokenCall): Folder {
  if (call.task === 'embedding') return embeddingFolder(call.body.encoding_format)
  return call.task === 'chat' ? chatFolder() : completionFolder()
}

/** The view of a caller that speaks the task's own language. */
function viewOf(call: TokenCall, { isPeer }: AnswerOptions): View {
  return isPeer ? peerView(() => folderOf(call)) : appView(call, () => folderOf(call))
}

/**
 * Writes a reply. The first chunk is awaited before any header: until then an error still has its status. Afterwards an
 * error is an explicit event and the stream never ends as if it were whole. An app has its end as soon as the answer is
 * whole; what the backend still has to book is waited for behind it. A peer reads until the bookkeeping is done.
 */
export async function answer(
  exchange: Exchange,
  call: TokenCall,
  reply: Reply,
  options: AnswerOptions,
  view: View = viewOf(call, options),
): Promise<void> {
  const text = answerText(exchange.record, call.task, () => folderOf(call))
  try {
    const first = await reply.next()
    if (first.done === true) throw new ParleyError('backend_failed', 'the backend ended without an answer')
    if (wantsStream(exchange, call, options)) await stream(exchange, view, reply, first, text, options)
    else await fold(exchange, view, reply, first, text, options)
  } catch (cause) {
    failed(exchange, cause)
    throw cause
  } finally {
    text.end()
    await reply.return(undefined as never)
  }
}

/** What the caller is told goes on record before what becomes of the rest of the answer. */
export function failed({ record, signal }: Exchange, cause: unknown): void {
  if (record !== undefined) record.errorCode ??= ParleyError.from(cause, signal).code
}

type Step = Awaited<ReturnType<Reply['next']>>

function wantsStream({ request }: Exchange, { task, body }: TokenCall, { isPeer }: AnswerOptions): boolean {
  if (isPeer && request.headers.accept === 'text/event-stream') return true
  return task !== 'embedding' && body.stream === true
}

async function stream(
  { response, record }: Exchange,
  view: View,
  reply: Reply,
  first: Step,
  text: AnswerText,
  options: AnswerOptions,
): Promise<void> {
  const writer = createSseWriter(response, options)
  let isAnswered = false
  try {
    let step = first
    for (; step.done !== true; step = await reply.next()) {
      const bytes = fitting(view.chunk, step.value)
      const room = bytes === undefined ? undefined : writer.write(bytes)
      text.saw(step.value)
      if (room !== undefined) await room
      if (response.destroyed) return
      if (isAwaited(step.value)) writer.flush()
      else if (step.value.meta.isPaidFor) writer.flushSoon()
      if (isWhole(step.value, options)) break
    }
    writer.end(view.end(outcomeOf(step)))
    isAnswered = true
    if (record !== undefined) record.isAnswered = true
  } catch (cause) {
    const error = ParleyError.from(cause)
    if (response.destroyed) return
    if (record !== undefined) record.errorCode ??= error.code
    const isStalled = error.code === 'timeout' && response.writableNeedDrain
    writer.end(view.broken(error))
    if (isStalled) response.destroy()
  } finally {
    writer.close()
  }
  if (isAnswered) await book(reply)
}

/** Undefined for an answer that is whole before its bookkeeping. */
function outcomeOf(step: Step): Outcome | undefined {
  return step.done === true ? step.value : undefined
}

function isWhole({ meta }: Chunk, { isPeer }: AnswerOptions): boolean {
  return meta.isLast === true && !isPeer
}

/** The other side waits for it: the end of the answer, or a message about money. */
function isAwaited({ meta, event }: Chunk): boolean {
  return meta.isLast === true || event !== undefined
}

/** Lets the backend book what it answered. How that went is told by the event log: the app has its answer. */
async function book(reply: Reply): Promise<Outcome> {
  for (;;) {
    const step = await reply.next()
    if (step.done === true) return step.value
  }
}

async function fold(
  exchange: Exchange,
  view: View,
  reply: Reply,
  first: Step,
  text: AnswerText,
  options: AnswerOptions,
): Promise<void> {
  const folder = boundedFolder(view.folder())
  let step = first
  for (; step.done !== true; step = await reply.next()) {
    if (step.value.event === undefined) fitting(folder.add, step.value)
    if (isWhole(step.value, options)) break
  }
  const booking = step.done === true ? Promise.resolve(step.value) : book(reply)
  booking.catch(toldBelow)
  await showCost(exchange, booking)
  const body = folder.body(outcomeOf(step)?.usage)
  text.body(body)
  sendJson(exchange.response, 200, body)
  if (exchange.record !== undefined) exchange.record.isAnswered = true
  await booking
}

/** Where it is waited for. Should the answer itself fail before, that is what the caller is told. */
function toldBelow(): void {}

const costWaitMs = 250

/** What a paid answer cost is known a moment after it is whole; of one that was not streamed nothing is shown before. */
export async function showCost({ response, route }: Exchange, booking: Promise<Outcome>): Promise<void> {
  const isPaid = (route?.priceIn ?? 0n) > 0n || (route?.priceOut ?? 0n) > 0n
  if (!isPaid) return
  const late = new AbortController()
  const soon = sleep(costWaitMs, undefined, { signal: late.signal })
  const outcome = await Promise.race([booking, soon]).catch(() => undefined)
  late.abort()
  await soon.catch(() => undefined)
  if (outcome?.cost !== undefined) response.setHeader('x-parley-cost', String(outcome.cost))
}

/** What is made of a chunk. One that cannot be read is the backend's failure, not ours. */
function fitting<T>(use: (chunk: Chunk) => T, chunk: Chunk): T {
  try {
    return use(chunk)
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause
    throw new ParleyError('backend_failed', 'the backend sent a chunk that fits no answer', { cause })
  }
}
