import { randomBytes } from 'node:crypto'
import type { Hello, SignedHello, SignedVoucher, Voucher } from '../../src/core/index.ts'
import { domain, notary, payer, provider, sessionSigner, userPeerId } from './stage.ts'

export function signedVoucher(fields: Partial<Voucher> & { cumulative: bigint }): SignedVoucher {
  const message: Voucher = { payer, provider, epoch: 0n, ...fields }
  return { domain, message, signature: sessionSigner.sign(notary.hashVoucher(message)) }
}

export function signedHello(fields: Partial<Hello> = {}, signer = sessionSigner): SignedHello {
  const message: Hello = {
    payer,
    provider,
    peerId: userPeerId,
    nonce: `0x${randomBytes(32).toString('hex')}`,
    timestamp: BigInt(Date.now()),
    ...fields,
  }
  return { domain, message, signature: signer.sign(notary.hashHello(message)) }
}
