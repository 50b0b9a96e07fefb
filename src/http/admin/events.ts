import { z } from 'zod'
import { type EventLog, type LoggedEvent, ParleyError } from '../../core/index.ts'
import type { Exchange } from '../exchange.ts'
import { createSseWriter, type SseWriterOptions } from '../sse-writer.ts'
import { type AdminRoute, declareIn } from './route.ts'

const declare = declareIn('events')

export interface EventOptions extends SseWriterOptions {
  readonly log: EventLog
}

const readersMax = 50
/** Events a reader may be behind before it misses some. */
const behindMax = 1_000
/** As long as an access token lasts: whoever goes on reading shows a new one. */
const lifeMs = 15 * 60_000

/** What happens on the node, as it happens. No event holds a word of a prompt or a key. */
export function eventRoutes(options: EventOptions): AdminRoute[] {
  let readers = 0
  return [
    declare(
      'GET /events',
      {
        access: 'viewer',
        summary:
          'Events of the node as server-sent events; `types` names those wanted, like `call.ended,alert.raised`.',
        query: z.strictObject({
          types: z
            .string()
            .regex(/^[a-z.]{1,40}(?:,[a-z.]{1,40}){0,31}$/, { error: 'is no list of types' })
            .optional(),
        }),
        sends: 'text/event-stream',
      },
      async ({ exchange, query, signal }) => {
        if (readers >= readersMax) {
          const message = `${readersMax} readers follow the events; close one or try again later`
          throw new ParleyError('overloaded', message, { retryAfterSeconds: 10 })
        }
        readers++
        try {
          await follow(exchange, query.types?.split(','), signal, options)
        } finally {
          readers--
        }
      },
    ),
  ]
}

async function follow(
  { request, response }: Exchange,
  types: readonly string[] | undefined,
  gone: AbortSignal,
  { log, ...bounds }: EventOptions,
): Promise<void> {
  const isWanted = ({ type }: LoggedEvent) => types === undefined || types.includes(type)
  const since = Number(request.headers['last-event-id'] ?? Number.NaN)
  const waiting = log.recent().filter(event => event.seq > since && isWanted(event))
  const end = AbortSignal.any([gone, AbortSignal.timeout(lifeMs)])
  let wake = () => {}
  let missed = 0
  const leave = log.subscribe(event => {
    if (!isWanted(event)) return
    if (waiting.length < behindMax) waiting.push(event)
    else missed++
    wake()
  })
  const writer = createSseWriter(response, bounds)
  end.addEventListener('abort', () => wake(), { once: true })
  try {
    response.flushHeaders()
    while (!end.aborted && request.method !== 'HEAD') {
      const next = waiting.shift()
      if (next !== undefined) await writer.write(encode(next))
      else if (missed > 0) {
        await writer.write(Buffer.from(`event: missed\ndata: {"events":${missed}}\n\n`))
        missed = 0
      } else await new Promise<void>(resolve => void (wake = resolve))
    }
    if (!gone.aborted) writer.end()
  } finally {
    leave()
    writer.close()
  }
}

function encode(event: LoggedEvent): Buffer {
  const data = JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  return Buffer.from(`id: ${event.seq}\nevent: ${event.type}\ndata: ${data}\n\n`)
}
