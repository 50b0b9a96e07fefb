import type { Address, Notary, Receipt, SignedReceipt } from '../core/index.ts'
import { chargeFor, ParleyError } from '../core/index.ts'
import { higher, isSameAddress } from './amounts.ts'
import type { PaidCall } from './paid-call.ts'

/** Checks the signature of a receipt. Throws `receipt_invalid`. */
export function verifySigner({ message, signature }: SignedReceipt, notary: Notary, signer: Address): void {
  const signed = notary.recover(notary.hashReceipt(message), signature)
  if (isSameAddress(signed, signer)) return
  throw new ParleyError('receipt_invalid', `the receipt is signed by ${signed}, the registry names ${signer}`)
}

/**
 * Checks a receipt against the call it is for: it is about this call, it counts no more than arrived, and it charges no
 * more than the quote and the limit of the call allow. Throws `receipt_invalid` for a paper about something else and `payment_mismatch` for one
 * that counts wrong.
 */
export function verifyReceipt(receipt: Receipt, call: PaidCall): void {
  verifySubject(receipt, call)
  verifyCounts(receipt, call)
  const { tokensIn, tokensCached, tokensOut, charge } = receipt
  const tokens = { in: Number(tokensIn), cached: Number(tokensCached), out: Number(tokensOut) }
  const most = higher(call.charge, chargeFor(call.options.quote.terms, tokens))
  if (charge > most) throw mismatch(receipt, `charges ${charge}, the quote makes it ${most}`)
  if (call.limit !== undefined && charge > call.limit) {
    throw mismatch(receipt, `charges ${charge}, the call may cost ${call.limit}`)
  }
  if (charge < call.charge) throw mismatch(receipt, `charges ${charge}, less than the ${call.charge} before`)
}

/**
 * Whether a receipt that was asked for by a call's name is about that very call. One of another call is no cheat: a
 * provider finds receipts by their names alone.
 */
export function isAbout(receipt: Receipt, { promptCommit, options: { id, sessionName, seed } }: PaidCall): boolean {
  return (
    receipt.requestId === id &&
    receipt.session === sessionName &&
    receipt.promptCommit === promptCommit &&
    receipt.seed === seed
  )
}

function verifySubject(receipt: Receipt, call: PaidCall): void {
  const { id, quote, seed, sessionName } = call.options
  const facts: [keyof Receipt, unknown][] = [
    ['requestId', id],
    ['session', sessionName],
    ['modelId', quote.terms.modelId],
    ['quoteHash', quote.hash],
    ['promptCommit', call.promptCommit],
    ['seed', seed],
  ]
  for (const [field, expected] of facts) {
    // What it names instead may be anybody's words, so it is not repeated.
    if (receipt[field] === expected) continue
    throw new ParleyError('receipt_invalid', `the receipt names another ${field} than the call, which has ${expected}`)
  }
  if (receipt.seq <= call.seq) {
    throw new ParleyError('receipt_invalid', `receipt ${receipt.seq} follows ${call.seq}`)
  }
}

function verifyCounts(receipt: Receipt, call: PaidCall): void {
  const { tokensIn, tokensCached, tokensOut } = receipt
  const { unit } = call.options.quote.terms
  if (tokensIn > BigInt(call.measure.inMax)) {
    throw mismatch(receipt, `counts ${tokensIn} ${unit} in, more than the ${call.measure.inMax} there can be`)
  }
  if (tokensCached > tokensIn) throw mismatch(receipt, `counts more cached tokens than tokens`)
  const seen = BigInt(call.tokensOutMax)
  if (tokensOut > seen) throw mismatch(receipt, `counts ${tokensOut} ${unit} out, what arrived has ${seen} at most`)
  if (tokensOut < call.tokensOut) throw mismatch(receipt, `counts ${tokensOut} ${unit} out after ${call.tokensOut}`)
  verifyUsage(receipt, call)
}

/** What the answer itself reported is what is charged. */
function verifyUsage({ tokensIn, tokensOut, ...receipt }: Receipt, call: PaidCall): void {
  const { usage } = call
  const { unit } = call.options.quote.terms
  if (usage === undefined || receipt.finishReason === '') return
  const reported = { in: BigInt(usage.prompt_tokens), out: BigInt(usage.completion_tokens) }
  if (reported.in > 0n && tokensIn > reported.in) {
    throw mismatch(receipt, `counts ${tokensIn} ${unit} in, the answer reported ${reported.in}`)
  }
  if (tokensOut > higher(reported.out, call.tokensOut)) {
    throw mismatch(receipt, `counts ${tokensOut} ${unit} out, the answer reported ${reported.out}`)
  }
}

function mismatch({ requestId }: Pick<Receipt, 'requestId'>, what: string): ParleyError {
  return new ParleyError('payment_mismatch', `the receipt of ${requestId} ${what}; payment stopped`)
}
