import {
  type Domain,
  type Hello,
  type Hex,
  type Notary,
  ParleyError,
  type Quote,
  type Receipt,
  type Voucher,
} from '../core/index.ts'
import { keccak, toHex } from './address.ts'
import { recoverAddress } from './recover.ts'
import { type Fields, structHash } from './struct-hash.ts'

/** Digests and signatures of one domain: name "Parley", version "1", its chain and its escrow. */
export function createNotary(domain: Domain): Notary {
  const framed = Buffer.alloc(66)
  framed.set([0x19, 0x01])
  framed.set(domainSeparator(domain), 2)
  const digest = (hash: Uint8Array): Hex => {
    framed.set(hash, 34)
    return toHex(keccak(framed))
  }
  return {
    domain,
    hashQuote: quote => digest(hashQuote(quote)),
    hashVoucher: voucher => digest(hashVoucher(voucher)),
    hashReceipt: receipt => digest(hashReceipt(receipt)),
    hashHello: hello => digest(hashHello(hello)),
    recover: recoverAddress,
  }
}

function domainSeparator(domain: Domain): Uint8Array {
  try {
    return hashDomain({ name: 'Parley', version: '1', chainId: domain.chainId, verifyingContract: domain.escrow })
  } catch (cause) {
    throw new ParleyError('config_invalid', 'the domain needs a chain id and the address of an escrow', { cause })
  }
}

interface DomainFields {
  name: string
  version: string
  chainId: bigint
  verifyingContract: string
}

const domainFields: Fields<DomainFields> = [
  ['name', 'string'],
  ['version', 'string'],
  ['chainId', 'uint256'],
  ['verifyingContract', 'address'],
]

const voucherFields: Fields<Voucher> = [
  ['payer', 'address'],
  ['provider', 'address'],
  ['epoch', 'uint64'],
  ['cumulative', 'uint128'],
]

const quoteFields: Fields<Quote> = [
  ['provider', 'address'],
  ['nonce', 'uint256'],
  ['modelId', 'bytes32'],
  ['unit', 'string'],
  ['priceIn', 'uint128'],
  ['priceCachedIn', 'uint128'],
  ['priceOut', 'uint128'],
  ['minimumCharge', 'uint128'],
  ['windowTokens', 'uint32'],
  ['contextTokens', 'uint32'],
  ['concurrency', 'uint32'],
  ['expiresAt', 'uint64'],
]

const receiptFields: Fields<Receipt> = [
  ['session', 'bytes32'],
  ['seq', 'uint64'],
  ['requestId', 'string'],
  ['modelId', 'bytes32'],
  ['promptCommit', 'bytes32'],
  ['responseCommit', 'bytes32'],
  ['tokensIn', 'uint64'],
  ['tokensCached', 'uint64'],
  ['tokensOut', 'uint64'],
  ['charge', 'uint128'],
  ['cumulative', 'uint128'],
  ['quoteHash', 'bytes32'],
  ['seed', 'uint64'],
  ['finishReason', 'string'],
  ['startedAt', 'uint64'],
  ['endedAt', 'uint64'],
]

const helloFields: Fields<Hello> = [
  ['payer', 'address'],
  ['provider', 'address'],
  ['peerId', 'string'],
  ['nonce', 'bytes32'],
  ['timestamp', 'uint64'],
]

const hashDomain = structHash('EIP712Domain', domainFields)
const hashVoucher = structHash('Voucher', voucherFields)
const hashQuote = structHash('Quote', quoteFields)
const hashReceipt = structHash('Receipt', receiptFields)
const hashHello = structHash('Hello', helloFields)
