import type { Call, Context, EventLog, ParleyError } from '../core/index.ts'
import { isTokenCall } from '../core/index.ts'
import { isOfFarSide } from './failures.ts'
import type { Ranking } from './ranking.ts'
import type { Turn } from './turns.ts'

export interface FailureListeners {
  readonly ranking: Ranking
  readonly log: EventLog
}

/** An attempt failed after `ms`: counted against its target where that is to blame, and on record. */
export function tellFailure(
  { ranking, log }: FailureListeners,
  { candidate: { name }, attempt, call }: Turn,
  error: ParleyError,
  { id, record }: Context,
  ms: number,
): void {
  const { code, message, retryAfterSeconds = 0, saidBy } = error
  if (code === 'payment_mismatch' || code === 'receipt_invalid') ranking.distrust(name, code)
  else if (isOfFarSide(error) && !isLack(call, error))
    ranking.failed(name, { code, isSaid: saidBy !== undefined, retryAfterMs: retryAfterSeconds * 1_000 })
  record?.attempts.push({ provider: name, model: call.body.model, code, ms })
  log.emit({ type: 'call.attempted', id, backend: name, model: call.body.model, attempt, ms, code, message })
}

/** Who has no route for pictures or sound may well answer a chat. */
function isLack(call: Call, { code }: ParleyError): boolean {
  return code === 'unsupported' && !isTokenCall(call)
}
