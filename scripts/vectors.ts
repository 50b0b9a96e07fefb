/**
 * Writes everything that follows from something else in test/vectors/protocol.json anew: digests, signatures, names,
 * commitments, estimates. Run it after a change of the protocol: node scripts/vectors.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createNotary, createSigner } from '../src/chain/index.ts'
import { chargeFor, type RelayedCall, unitOf } from '../src/core/index.ts'
import { Chunk } from '../src/openai/index.ts'
import {
  commitmentKey,
  commitToPrompt,
  commitToResponse,
  encodeVoucherHeader,
  helloCodec,
  measureCall,
  measurePrompt,
  piecesOf,
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

for (const vector of vectors.media) {
  const call = mediaCall(vector)
  Object.assign(vector, {
    unit: unitOf(call.task),
    measure: measureCall(call),
    promptCommit: commitToPrompt(key, call),
  })
}
const sound = Buffer.from(vectors.piece.bytes, 'base64')
vectors.piece.events = [...piecesOf(Chunk.raw(sound, { contentType: vectors.piece.type }))].map(String)
const heard = commitToResponse(key)
heard.add(Chunk.raw(sound))
vectors.piece.responseCommit = heard.value()

writeFileSync(file, `${JSON.stringify(vectors, undefined, 2)}\n`)

interface MediaVector {
  readonly task: RelayedCall['task']
  readonly body?: object
  readonly form?: readonly { name: string; value?: string; file?: string; zeros?: number }[]
}

/** A call as it stands in the vectors: files in base64, or as so many zeros. */
function mediaCall({ task, body, form = [] }: MediaVector): RelayedCall {
  if (body !== undefined) return { task, body } as RelayedCall
  const parts = form.map(({ name, value, file, zeros }) => {
    const bytes = zeros === undefined ? Buffer.from(file ?? '', 'base64') : new Uint8Array(zeros)
    return value === undefined ? { name, file: { name: 'f', type: '', bytes } } : { name, value }
  })
  return { task, body: { model: 'nano', form: parts } } as RelayedCall
}

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
