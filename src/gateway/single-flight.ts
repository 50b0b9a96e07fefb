import type { Backend, Context, Filter, Reply, TokenCall } from '../core/index.ts'
import { filter, isTokenCall } from '../core/index.ts'
import { callKey, contentOf } from './call-key.ts'
import { createFlight, type Flight } from './flight.ts'

export interface SingleFlightOptions {
  /** How far the readers of one answer may be apart, and up to where a call may still join it; 256 KiB when missing. */
  readonly bufferBytes?: number
}

const defaultBufferBytes = 256 * 1024

/**
 * Equal calls of the same caller that run at the same time are asked once, where the request itself says that its answers
 * are alike: embeddings, a temperature of 0, a seed. Each caller gets every chunk and may leave without the others; the
 * last one that leaves ends the work. All report the usage of the answer; its cost and its receipt are booked by one.
 */
export function singleFlight({ bufferBytes = defaultBufferBytes }: SingleFlightOptions = {}): Filter {
  const flights = new Map<string, Flight>()
  const share = async function* (inner: Backend, call: TokenCall, context: Context): Reply {
    if (context.signal.aborted) return yield* inner.run(call, context)
    const key = callKey(call, context, contentOf(call))
    let flight = flights.get(key)
    if (flight === undefined) {
      const close = () => void flights.delete(key)
      flight = createFlight(flying => inner.run(call, { ...context, ...flying }), { bufferBytes, close })
      flights.set(key, flight)
    }
    return yield* flight.follow(context)
  }
  return filter((inner, call, context) =>
    isTokenCall(call) && isAlike(call) ? share(inner, call, context) : inner.run(call, context),
  )
}

/** Whether two answers to this request would say the same, as far as its sender can ask for that. */
function isAlike({ task, body }: TokenCall): boolean {
  if (task === 'embedding') return true
  const isOne = (body.n ?? 1) === 1 && (body.best_of ?? 1) === 1
  return isOne && body.store !== true && (body.temperature === 0 || body.seed != null)
}
