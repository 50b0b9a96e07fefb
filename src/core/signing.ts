import type { Address, Domain, Hello, Hex, Quote, Receipt, Voucher } from './money.ts'

/** Turns the protocol's messages into EIP-712 digests of one domain, and signatures back into addresses. */
export interface Notary {
  readonly domain: Domain
  hashQuote: (quote: Quote) => Hex
  hashVoucher: (voucher: Voucher) => Hex
  hashReceipt: (receipt: Receipt) => Hex
  hashHello: (hello: Hello) => Hex
  /**
   * The address that signed `digest`. Signatures are 65 bytes r‖s‖v with low s.
   * Throws `payment_invalid` for anything else.
   */
  recover: (digest: Hex, signature: Hex) => Address
}

/** A secp256k1 key that signs digests; 65 bytes r‖s‖v, low s. */
export interface Signer {
  readonly address: Address
  sign: (digest: Hex) => Hex
}
