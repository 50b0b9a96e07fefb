/**
 * Writes everything that follows from something else in test/vectors/protocol.json anew: digests, signatures, names,
 * commitments, estimates. Run it after a change of the protocol: node scripts/vectors.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createNotary, createSigner } from '../src/chain/index.ts'
import { chargeFor } from '../src/core/index.ts'
import { Chunk } from '../src/openai/index.ts'
import {
  commitmentKey,
  commitToPrompt,
  commitToResponse,
  encodeVoucherHeader,
  helloCodec,
  measurePrompt,
  quoteCodec,
  receiptCodec,
  sessionName,
  voucherCodec,
} from '../src/session/index.ts'

const file = new URL('../test/vectors/protocol.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8'))
const notary = createNotary({ chainId: BigInt(vectors.domain.chainId), escrow: vectors.domain.escrow })
const signers = {
  provider: createSigner(vectors.keys.provider.privateKey),
  session: createSigner(vectors.keys.session.privateKey),
}

const { session, call, answer, charge } = vectors
const key = commitmentKey(session.token)
session.name = sessionName(session.token)
session.commitmentKey = `0x${Buffer.from(key).toString('hex')}`
call.estimate = measurePrompt({ task: 'chat', body: call.body })
call.promptCommit = commitToPrompt(key, { task: 'chat', body: call.body })
const response = commitToResponse(key)
for (const frame of answer.frames) response.add(Chunk.relayed(Buffer.from(frame)))
answer.responseCommit = response.value()

sign('quote', quoteCodec, notary.hashQuote, signers.provider)
const receipt = vectors.receipt.json.message
Object.assign(receipt, { session: session.name, quoteHash: vectors.quote.digest })
Object.assign(receipt, { promptCommit: call.promptCommit, responseCommit: answer.responseCommit })
sign('receipt', receiptCodec, notary.hashReceipt, signers.provider)
sign('voucher', voucherCodec, notary.hashVoucher, signers.session)
vectors.voucher.header = encodeVoucherHeader(voucherCodec.decode(vectors.voucher.json))
sign('hello', helloCodec, notary.hashHello, signers.session)
charge.amount = String(chargeFor(quoteCodec.decode(vectors.quote.json).message, charge.tokens))

writeFileSync(file, `${JSON.stringify(vectors, undefined, 2)}\n`)

function sign<T>(
  name: string,
  codec: { decode: (json: unknown) => { message: T } },
  hash: (message: T) => `0x${string}`,
  signer: { sign: (digest: `0x${string}`) => string },
): void {
  const vector = vectors[name]
  vector.digest = hash(codec.decode(vector.json).message)
  vector.json.signature = signer.sign(vector.digest)
}
