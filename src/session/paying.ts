import type { Backend, Call, Context, ErrorCode, Filter, Outcome, Reply } from '../core/index.ts'
import {
  filter,
  maxChargeHeader,
  needVoucherEvent,
  ParleyError,
  quoteHeader,
  receiptEvent,
  requestHeader,
  seedHeader,
  sessionHeader,
  voucherHeader,
} from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'
import { limitOutput } from './limit-output.ts'
import type { PaidCall } from './paid-call.ts'
import type { PaidSession } from './paid-session.ts'
import { plainError } from './plain-words.ts'
import type { PaidPeer } from './price-list.ts'
import type { Purse } from './purse.ts'
import { ownSeed } from './seed.ts'
import { amountOf } from './voucher-pen.ts'
import { needVoucherCodec, receiptCodec } from './wire.ts'

/**
 * Buys what the peer behind it answers. The prompt is authorised with the request; output is paid as its receipts arrive
 * and hold, beside the stream. Messages between nodes end here: the app sees only its answer.
 */
export function paying(purse: Purse, peer: PaidPeer): Filter {
  return filter((inner, call, context) => paid(purse.session(peer), inner, call, context))
}

async function* paid(session: PaidSession, inner: Backend, call: Call, context: Context): Reply {
  if (await session.isFree(context.signal)) return yield* inner.run(call, context)
  const { paidCall, reply, first } = await start(session, inner, call, context)
  let isSettled = false
  try {
    for (let step = first; ; step = await reply.next()) {
      if (step.done === true) {
        isSettled = true
        return settled(paidCall, step.value)
      }
      if (!isMessage(step.value)) {
        paidCall.add(step.value)
        step.value.meta.isPaidFor = true
        yield step.value
      } else listen(session, paidCall, step.value)
    }
  } catch (cause) {
    const error = failureOf(paidCall, cause, context)
    paidCall.abort(error)
    throw error
  } finally {
    // The provider was at work once anything came, if only a question for more money.
    session.end(paidCall, true)
    if (!isSettled) context.onOwed?.(owedFor(paidCall, true))
    await reply.return(undefined as never)
  }
}

interface Started {
  readonly paidCall: PaidCall
  readonly reply: Reply
  readonly first: Awaited<ReturnType<Reply['next']>>
}

const attemptsMax = 8

/** Until the first chunk the provider may ask for more money or for a new session, and is asked again. */
async function start(session: PaidSession, inner: Backend, call: Call, context: Context): Promise<Started> {
  let paidCall = await session.begin(call, context)
  const renewed = new Set<string>()
  for (let attempt = 1; ; attempt++) {
    const reply = ask(session, inner, paidCall, context)
    try {
      return { paidCall, reply, first: await reply.next() }
    } catch (cause) {
      const error = failureOf(paidCall, cause, context)
      const again = attempt < attemptsMax ? recovery(error, renewed) : undefined
      if (again === 'pay') {
        askedFor(session, paidCall, error, attempt > 1)
        continue
      }
      // Before anything came, only what was set aside may be charged by who finds the call too dear.
      if (error.code === 'price_too_high') paidCall.limit = paidCall.prepaid
      session.end(paidCall, !isRefusal(error))
      if (again === undefined) {
        context.onOwed?.(owedFor(paidCall, !isRefusal(error)))
        throw error
      }
      renewed.add(error.code)
      session.renew(paidCall, error.code)
    }
    paidCall = await session.begin(call, context)
  }
}

function ask(session: PaidSession, inner: Backend, paidCall: PaidCall, context: Context): Reply {
  const { id, seed, quote, call, maxPrice } = paidCall.options
  const { [voucherHeader]: _, [seedHeader]: __, [maxChargeHeader]: ___, ...passed } = context.headers
  const voucher = session.voucherHeader()
  const headers = {
    ...passed,
    [sessionHeader]: session.token(),
    [quoteHeader]: quote.hash,
    [requestHeader]: id,
    ...(ownSeed(call) === undefined && { [seedHeader]: String(seed) }),
    ...(voucher !== undefined && { [voucherHeader]: voucher }),
    ...(maxPrice !== undefined && { [maxChargeHeader]: String(maxPrice) }),
  }
  const signal = AbortSignal.any([context.signal, paidCall.signal])
  const limited = maxPrice === undefined ? call : limitOutput(call, maxPrice - paidCall.prepaid, quote.terms)
  return inner.run(limited, { ...context, headers, signal })
}

/** What a refusal before the first chunk can be answered with. */
function recovery({ code }: ParleyError, renewed: ReadonlySet<string>): 'pay' | 'renew' | undefined {
  if (code === 'need_voucher') return 'pay'
  const isStale = code === 'session_unknown' || code === 'quote_expired'
  return isStale && !renewed.has(code) ? 'renew' : undefined
}

function askedFor(session: PaidSession, paidCall: PaidCall, error: ParleyError, hasHeadroom: boolean): void {
  try {
    const cumulative = amountOf(error.details?.cumulative)
    if (cumulative === undefined) throw error
    session.raise(paidCall, cumulative, hasHeadroom)
  } catch (cause) {
    session.end(paidCall, false)
    throw cause
  }
}

function listen(session: PaidSession, paidCall: PaidCall, chunk: Chunk): void {
  if (chunk.event === receiptEvent) session.take(paidCall, receiptCodec.decode(jsonOf(chunk)))
  else if (chunk.event === needVoucherEvent) {
    session.raiseSoon(paidCall, needVoucherCodec.decode(jsonOf(chunk)).cumulative)
  }
}

function jsonOf(chunk: Chunk): unknown {
  try {
    return chunk.json()
  } catch (cause) {
    throw new ParleyError('payment_invalid', `the provider sent a ${chunk.event} that is not JSON`, { cause })
  }
}

const firstOfData = 'd'.charCodeAt(0)

/** Messages begin with their event line; what begins with `data:` is for the app and is not decoded here. */
function isMessage(chunk: Chunk): boolean {
  return chunk.bytes[0] !== firstOfData && (chunk.event?.startsWith('parley.') ?? false)
}

function settled({ receipt }: PaidCall, outcome: Outcome): Outcome {
  return receipt === undefined ? outcome : { ...outcome, cost: receipt.message.charge, receipt }
}

function failureOf(paidCall: PaidCall, cause: unknown, context: Context): ParleyError {
  if (paidCall.signal.aborted && !context.signal.aborted) return ParleyError.from(paidCall.signal.reason)
  const error = ParleyError.from(cause, context.signal)
  return error.httpStatus === 402 ? plainError(error) : error
}

/** The most that will be paid for a call that ended badly, by its receipts or by what arrived and may be on its way. */
function owedFor({ receipt, charge, most }: PaidCall, mayBeCharged: boolean): bigint {
  return mayBeCharged && receipt === undefined ? most : charge
}

/** After these the provider may have been at work, and charge for it; of the last it charges what was set aside. */
const mayBeWork: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cancelled',
  'stream_cut',
  'timeout',
  'peer_unreachable',
  'price_too_high',
])

/** Said by the provider before it did any work, or never asked of it, so there is nothing to pay. */
function isRefusal({ code, isUnsent }: ParleyError): boolean {
  return isUnsent || !mayBeWork.has(code)
}
