import { readFileSync } from 'node:fs'
import { hashTypedData, recoverAddress, type TypedDataDefinition } from 'viem'
import { expect, test } from 'vitest'
import { createNotary, createSigner } from '../../src/chain/index.ts'
import type { Address, Hex, TokenCall } from '../../src/core/index.ts'
import { chargeFor } from '../../src/core/index.ts'
import { Chunk } from '../../src/openai/index.ts'
import {
  commitmentKey,
  commitToPrompt,
  commitToResponse,
  decodeVoucherHeader,
  encodeVoucherHeader,
  helloCodec,
  measurePrompt,
  quoteCodec,
  receiptCodec,
  sessionName,
  voucherCodec,
} from '../../src/session/index.ts'

const url = (path: string) => new URL(path, import.meta.url)
const vectors = JSON.parse(readFileSync(url('../vectors/protocol.json'), 'utf8'))
const escrow = vectors.domain.escrow as Address
const notary = createNotary({ chainId: BigInt(vectors.domain.chainId), escrow })
const providerSigner = createSigner(vectors.keys.provider.privateKey)
const sessionSigner = createSigner(vectors.keys.session.privateKey)

const cases = {
  Quote: { ...vectors.quote, codec: quoteCodec, hash: notary.hashQuote, signer: providerSigner },
  Voucher: { ...vectors.voucher, codec: voucherCodec, hash: notary.hashVoucher, signer: sessionSigner },
  Receipt: { ...vectors.receipt, codec: receiptCodec, hash: notary.hashReceipt, signer: providerSigner },
  Hello: { ...vectors.hello, codec: helloCodec, hash: notary.hashHello, signer: sessionSigner },
}

const documentation = readFileSync(url('../../docs/protocol.md'), 'utf8')

/** The EIP-712 type as the documentation prints it. */
function documentedType(name: string): { name: string; type: string }[] {
  const text = new RegExp(`^${name}\\(([^)]*)\\)$`, 'm').exec(documentation)?.[1]
  return text!.split(',').map(field => {
    const [type = '', called = ''] = field.trim().split(' ')
    return { name: called, type }
  })
}

test.each(Object.entries(cases))('%s: JSON, digest and signature are the golden ones', async (name, vector) => {
  const { json, digest, codec, hash, signer } = vector
  const { message, signature } = codec.decode(json)
  expect(codec.encode(codec.decode(json))).toEqual(json)
  expect(hash(message)).toBe(digest)
  expect(signer.sign(digest)).toBe(signature)
  expect(notary.recover(digest, signature)).toBe(signer.address)
  const typed = {
    domain: { name: 'Parley', version: '1', chainId: notary.domain.chainId, verifyingContract: escrow },
    types: { [name]: documentedType(name) },
    primaryType: name,
    message,
  } as unknown as TypedDataDefinition
  expect(hashTypedData(typed)).toBe(digest)
  expect(await recoverAddress({ hash: digest as Hex, signature })).toBe(signer.address)
})

test('the header of a voucher is its JSON in base64url', () => {
  const voucher = voucherCodec.decode(vectors.voucher.json)
  expect(encodeVoucherHeader(voucher)).toBe(vectors.voucher.header)
  expect(decodeVoucherHeader(vectors.voucher.header)).toEqual(voucher)
})

test('session name, commitments, estimate and charge are the golden ones', () => {
  const { session, answer, charge } = vectors
  const key = commitmentKey(session.token)
  expect(`0x${Buffer.from(key).toString('hex')}`).toBe(session.commitmentKey)
  expect(sessionName(session.token)).toBe(session.name)
  const call = { task: 'chat', body: vectors.call.body } as TokenCall
  expect(measurePrompt(call)).toEqual(vectors.call.estimate)
  expect(commitToPrompt(key, call)).toBe(vectors.call.promptCommit)
  const response = commitToResponse(key)
  for (const frame of answer.frames) response.add(Chunk.relayed(Buffer.from(frame)))
  expect(response.value()).toBe(answer.responseCommit)
  expect(String(chargeFor(quoteCodec.decode(vectors.quote.json).message, charge.tokens))).toBe(charge.amount)
})
