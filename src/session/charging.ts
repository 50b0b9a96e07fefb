import type { Backend, Call, Context, Filter, Reply } from '../core/index.ts'
import { filter, needVoucherEvent, ParleyError, receiptEvent } from '../core/index.ts'
import { Chunk } from '../openai/index.ts'
import type { TakenCall } from './provider-desk.ts'
import { withSeed } from './seed.ts'
import type { Till } from './till.ts'
import { needVoucherCodec, receiptCodec } from './wire.ts'

/**
 * Sells what the backend behind it answers, with the seed its receipts name. Nothing is asked of the backend before the prompt is paid; output is delivered
 * up to one window ahead of payment; a receipt follows every half window and the end.
 */
export function charging(till: Till): Filter {
  return filter((inner, call, context) =>
    till.isFree(context.principal) ? inner.run(call, context) : charged(till, inner, call, context),
  )
}

async function* charged(till: Till, inner: Backend, call: Call, context: Context): Reply {
  const taken = await till.begin(call, context)
  const { running } = taken
  const signal = AbortSignal.any([context.signal, running.signal])
  const reply = inner.run(withSeed(call, running.seed), { ...context, signal })
  let failure: ParleyError | undefined
  try {
    let step = await start(reply, taken)
    for (; step.done !== true; step = await reply.next()) {
      const chunk = running.fitting(step.value)
      if (chunk === undefined) continue
      running.count(chunk)
      for (let due = running.due(); due !== undefined; due = running.due()) {
        yield Chunk.message(needVoucherEvent, needVoucherCodec.encode({ cumulative: due }))
        await running.untilPaid(due, signal)
      }
      running.release()
      yield chunk
      if (running.isReceiptDue) {
        await leaving(signal)
        yield Chunk.message(receiptEvent, receiptCodec.encode(running.receipt()))
      }
    }
    await leaving(signal)
    const receipt = running.finish(step.value)
    yield Chunk.message(receiptEvent, receiptCodec.encode(receipt))
    return { ...step.value, cost: receipt.message.charge, receipt }
  } catch (cause) {
    failure = ParleyError.from(cause, signal)
    throw failure
  } finally {
    running.stop(isTheUsers(failure, context) ? 'cancelled' : 'failed', failure)
    await reply.return(undefined as never)
  }
}

/**
 * The backend begins at once. A voucher that the credit did not wait for is looked at while it works, and ends the call if
 * it is bad.
 */
async function start(reply: Reply, { running, acceptLate }: TakenCall): Promise<Awaited<ReturnType<Reply['next']>>> {
  running.begin()
  const first = reply.next()
  try {
    acceptLate?.()
  } catch (cause) {
    running.stop('cancelled', ParleyError.from(cause))
    await first.catch(() => undefined)
    throw cause
  }
  return await first
}

/** What was released leaves this machine before the signature and the synced write of a receipt take their time. */
async function leaving(signal: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => setImmediate(resolve))
  signal.throwIfAborted()
}

/** Whether a call ended because of its user: it left, did not pay, or began anew. */
function isTheUsers(failure: ParleyError | undefined, { signal }: Context): boolean {
  return failure === undefined || signal.aborted || isMoney(failure)
}

function isMoney({ code }: ParleyError): boolean {
  return code === 'need_voucher' || code === 'session_unknown' || code === 'cancelled'
}
