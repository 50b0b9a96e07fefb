import type { Reply, TokenCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk, chatFolder, completionFolder, encodeEvent, type Folder, singleFolder } from '../openai/index.ts'
import { type Exchange, sendJson, shown } from './exchange.ts'
import { createSseWriter, type SseWriterOptions } from './sse-writer.ts'

export interface AnswerOptions extends SseWriterOptions {
  /** Whether messages between nodes may pass: true on the listener for peers only. */
  readonly isPeer: boolean
}

const folders: Record<TokenCall['task'], () => Folder> = {
  chat: chatFolder,
  completion: completionFolder,
  embedding: singleFolder,
}

/**
 * Writes a reply. The first chunk is awaited before any header: until then an error still has its status. Afterwards an
 * error is an explicit event and the stream never ends as if it were whole. An app has its end as soon as the answer is
 * whole; what the backend still has to book is waited for behind it. A peer reads until the bookkeeping is done.
 */
export async function answer(exchange: Exchange, call: TokenCall, reply: Reply, options: AnswerOptions): Promise<void> {
  try {
    const first = await reply.next()
    if (wantsStream(exchange, call, options)) await stream(exchange, call, reply, first, options)
    else await fold(exchange, call, reply, first, options)
  } finally {
    await reply.return(undefined as never)
  }
}

type Step = Awaited<ReturnType<Reply['next']>>

function wantsStream({ request }: Exchange, { task, body }: TokenCall, { isPeer }: AnswerOptions): boolean {
  if (isPeer && request.headers.accept === 'text/event-stream') return true
  return task !== 'embedding' && body.stream === true
}

async function stream(
  { response }: Exchange,
  call: TokenCall,
  reply: Reply,
  first: Step,
  options: AnswerOptions,
): Promise<void> {
  const writer = createSseWriter(response, options)
  const visible = options.isPeer ? (chunk: Chunk) => chunk : visibleTo(call)
  let isAnswered = false
  try {
    for (let step = first; step.done !== true; step = await reply.next()) {
      const chunk = visible(step.value)
      const room = chunk === undefined ? undefined : writer.write(chunk.bytes)
      if (room !== undefined) await room
      if (response.destroyed) return
      if (isAwaited(step.value)) writer.flush()
      if (isWhole(step.value, options)) break
    }
    void writer.write(encodeEvent('[DONE]'))
    writer.end()
    isAnswered = true
  } catch (cause) {
    const error = ParleyError.from(cause)
    if (response.destroyed) return
    void writer.write(encodeEvent(JSON.stringify(shown(error))))
    writer.end()
    if (error.code === 'timeout' && response.writableNeedDrain) response.destroy()
  } finally {
    writer.close()
  }
  if (isAnswered) await book(reply)
}

function isWhole({ meta }: Chunk, { isPeer }: AnswerOptions): boolean {
  return meta.isLast === true && !isPeer
}

/** The other side waits for it: the end of the answer, or a message about money. */
function isAwaited({ meta, event }: Chunk): boolean {
  return meta.isLast === true || event !== undefined
}

/** Lets the backend book what it answered. How that went is told by the event log: the app has its answer. */
async function book(reply: Reply): Promise<void> {
  while ((await reply.next()).done !== true);
}

/**
 * Usage is always asked from the backend; an app sees it only when it asked too. Messages between nodes never reach an
 * app, whatever a filter let through.
 */
function visibleTo(call: TokenCall): (chunk: Chunk) => Chunk | undefined {
  const options = call.task === 'embedding' ? undefined : call.body.stream_options
  const wantsUsage = options?.include_usage === true
  return chunk => {
    if (chunk.event !== undefined) return undefined
    if (wantsUsage || chunk.usage() === undefined) return chunk
    const { usage: _usage, ...rest } = chunk.json() as { usage: unknown; choices?: unknown[] }
    return (rest.choices?.length ?? 0) === 0 ? undefined : Chunk.of(rest, chunk.meta)
  }
}

async function fold(
  { response }: Exchange,
  call: TokenCall,
  reply: Reply,
  first: Step,
  options: AnswerOptions,
): Promise<void> {
  const folder = folders[call.task]()
  for (let step = first; step.done !== true; step = await reply.next()) {
    if (step.value.event === undefined) addTo(folder, step.value)
    if (isWhole(step.value, options)) break
  }
  sendJson(response, 200, folder.body())
  await book(reply)
}

function addTo(folder: Folder, chunk: Chunk): void {
  try {
    folder.add(chunk)
  } catch (cause) {
    throw new ParleyError('backend_failed', 'the backend sent a chunk that fits no answer', { cause })
  }
}
