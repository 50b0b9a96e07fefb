/** Reads and writes the contracts; wallets; signing. */
export { toAddress, zeroAddress } from './address.ts'
export { defaultScryptN, lightScryptN } from './keystore.ts'
export { createNotary } from './notary.ts'
export { deriveSessionKey, type SessionKeyName, type SessionKeyOf } from './session-key.ts'
export { createSessionKeys, type SessionKeys, type SessionKeysOptions } from './session-keys.ts'
export { compactSignature, createSigner, type KeySigner } from './signer.ts'
export {
  createWallets,
  type ImportSource,
  type UnlockedWallet,
  type WalletEntry,
  type Wallets,
  type WalletsOptions,
} from './wallet.ts'
