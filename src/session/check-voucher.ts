import type { Address, Notary, SignedVoucher } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { isSameAddress } from './amounts.ts'

/** What a voucher must say to count on this counter. */
export interface VoucherTerms {
  readonly notary: Notary
  readonly payer: Address
  readonly provider: Address
  readonly epoch: bigint
  /** The session key named in the escrow. */
  readonly signer: Address
  readonly accepted: bigint
}

/**
 * Throws the error of the first thing that is wrong, from the cheapest check to the signature, so that a voucher meant
 * for elsewhere is told where it belongs.
 */
export function checkVoucher(signed: SignedVoucher, terms: VoucherTerms): void {
  const { domain, message } = signed
  const expected = terms.notary.domain
  if (domain.chainId !== expected.chainId) {
    throw new ParleyError('voucher_chain', `the voucher is for chain ${domain.chainId}, this is ${expected.chainId}`)
  }
  if (!isSameAddress(domain.escrow, expected.escrow)) {
    throw new ParleyError('voucher_escrow', `the voucher is for escrow ${domain.escrow}, this is ${expected.escrow}`)
  }
  if (!isSameAddress(message.payer, terms.payer)) {
    throw new ParleyError('voucher_payer', `the voucher is of ${message.payer}, the session of ${terms.payer}`)
  }
  if (!isSameAddress(message.provider, terms.provider)) {
    throw new ParleyError('voucher_provider', `the voucher pays ${message.provider}, this is ${terms.provider}`)
  }
  if (message.epoch !== terms.epoch) {
    throw new ParleyError('voucher_epoch', `the voucher is of epoch ${message.epoch}, the account in ${terms.epoch}`)
  }
  checkTotal(message.cumulative, terms.accepted)
  if (!isSignedBy(signed, terms)) {
    throw new ParleyError(
      'voucher_signature',
      `the voucher is not signed by ${terms.signer}, the session key in escrow`,
    )
  }
}

function checkTotal(cumulative: bigint, accepted: bigint): void {
  const details = { accepted: String(accepted) }
  if (cumulative === accepted) {
    throw new ParleyError('voucher_replayed', `a voucher over ${accepted} was accepted before`, { details })
  }
  if (cumulative < accepted) {
    throw new ParleyError('voucher_lower', `the voucher is over ${cumulative}, accepted are ${accepted}`, { details })
  }
}

function isSignedBy({ message, signature }: SignedVoucher, { notary, signer }: VoucherTerms): boolean {
  try {
    return isSameAddress(notary.recover(notary.hashVoucher(message), signature), signer)
  } catch (cause) {
    if (cause instanceof ParleyError && cause.code === 'payment_invalid') return false
    throw cause
  }
}
