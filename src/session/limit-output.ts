import type { Call, Quote } from '../core/index.ts'
import { isTokenCall } from '../core/index.ts'

/** The call with its answer bounded so that `money` pays for it: a model that stops is kinder than a stream that is cut. */
export function limitOutput(call: Call, money: bigint, { priceOut, contextTokens }: Quote): Call {
  if (!isTokenCall(call) || call.task === 'embedding' || priceOut === 0n) return call
  const affordable = (money * 1_000_000n) / priceOut / BigInt(call.body.n ?? 1)
  if (affordable >= BigInt(contextTokens) && contextTokens > 0) return call
  const most = Math.max(1, Number(affordable > 0xffff_ffffn ? 0xffff_ffffn : affordable))
  if (call.task === 'completion') {
    return { ...call, body: { ...call.body, max_tokens: Math.min(call.body.max_tokens ?? most, most) } }
  }
  const { max_tokens, max_completion_tokens } = call.body
  const name = max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens'
  return { ...call, body: { ...call.body, [name]: Math.min(max_completion_tokens ?? max_tokens ?? most, most) } }
}
