/** Reads and writes the contracts; wallets; signing. */
export { toAddress, zeroAddress } from './address.ts'
export { createNotary } from './notary.ts'
export { compactSignature, createSigner, type KeySigner } from './signer.ts'
