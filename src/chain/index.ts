/** Reads and writes the contracts; wallets; signing. */
export { toAddress, zeroAddress } from './address.ts'
export { formatAmount, parseAmount } from './amounts.ts'
export type { ClaimedRow, ClaimOutcome, ClaimResult, SkipReason } from './claim.ts'
export { type Chain, type ChainCheck, createChain, type Question } from './clients.ts'
export {
  createEscrowReader,
  type EscrowPosition,
  type EscrowTerms,
  readEscrowTerms,
  readPositions,
} from './escrow.ts'
export { createEscrowPayer, type EscrowPayer } from './escrow-payer.ts'
export { createEscrowProvider, type EscrowProvider, type EscrowProviderOptions } from './escrow-provider.ts'
export { fillGas, hasFaucet, isDevelopmentChain } from './faucet.ts'
export { type Holdings, holdingsPairsMax, readHoldings } from './holdings.ts'
export { defaultScryptN, lightScryptN } from './keystore.ts'
export { createNotary } from './notary.ts'
export { keyOfPeerId, peerIdOfKey } from './peer-id.ts'
export { createProviderDirectory, type ProviderDirectoryOptions } from './registry.ts'
export { type RegistryTerms, readRegistryTerms } from './registry-terms.ts'
export {
  createRegistryMember,
  createRegistryOffers,
  type ListedOffer,
  type RegistryEntry,
  type RegistryMember,
  type RegistryOffers,
} from './registry-writes.ts'
export { readGasPrice, readRpcHealth } from './rpc-health.ts'
export { createSender, type Sender, type Sent } from './sender.ts'
export { deriveSessionKey, type SessionKeyName, type SessionKeyOf } from './session-key.ts'
export { createSessionKeys, type SessionKeys, type SessionKeysOptions } from './session-keys.ts'
export type { ChainSettings, ResolvedChainSettings } from './settings.ts'
export { compactSignature, createSigner, type KeySigner } from './signer.ts'
export { createTokenReader, mintTestToken, type TokenDescription, type TokenReader } from './token.ts'
export { createTurns } from './turns.ts'
export {
  createWallets,
  type ImportSource,
  type UnlockedWallet,
  type WalletEntry,
  type Wallets,
  type WalletsOptions,
} from './wallet.ts'
