import { readFileSync } from 'node:fs'
import { hashTypedData, recoverAddress, type TypedDataDefinition } from 'viem'
import { expect, test } from 'vitest'
import { createNotary, createSigner } from '../../src/chain/index.ts'
import type { Address, Hex, RelayedCall, TokenCall } from '../../src/core/index.ts'
import { chargeFor, unitOf } from '../../src/core/index.ts'
import { Chunk } from '../../src/openai/index.ts'
import {
  commitmentKey,
  commitToPrompt,
  commitToResponse,
  createPieceReader,
  decodeVoucherHeader,
  encodeVoucherHeader,
  helloCodec,
  measureCall,
  measurePrompt,
  piecesOf,
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

interface MediaVector {
  readonly task: RelayedCall['task']
  readonly body?: object
  readonly form?: readonly { name: string; value?: string; file?: string; zeros?: number }[]
  readonly unit: string
  readonly measure: object
  readonly promptCommit: Hex
}

function mediaCall({ task, body, form = [] }: MediaVector): RelayedCall {
  if (body !== undefined) return { task, body } as RelayedCall
  const parts = form.map(({ name, value, file, zeros }) => {
    const bytes = zeros === undefined ? Buffer.from(file ?? '', 'base64') : new Uint8Array(zeros)
    return value === undefined ? { name, file: { name: 'other', type: 'x/y', bytes } } : { name, value }
  })
  return { task, body: { model: 'any', form: parts } } as RelayedCall
}

test.each<[string, MediaVector]>(vectors.media.map((vector: MediaVector) => [vector.task, vector]))(
  'unit, measure and commitment are the golden ones: %s',
  (_task, vector) => {
    const call = mediaCall(vector)
    expect(unitOf(call.task)).toBe(vector.unit)
    expect(measureCall(call)).toEqual(vector.measure)
    expect(commitToPrompt(commitmentKey(vectors.session.token), call)).toBe(vector.promptCommit)
  },
)

test('pieces of an answer and the commitment to it are the golden ones', () => {
  const { type, bytes, events, responseCommit } = vectors.piece
  const chunk = Chunk.raw(Buffer.from(bytes, 'base64'), { contentType: type })
  expect([...piecesOf(chunk)].map(String)).toEqual(events)
  const read = createPieceReader(1_000).add(Chunk.relayed(Buffer.from(events[0])))
  expect(read).toMatchObject({ isRaw: true, meta: { contentType: type } })
  expect(Buffer.from(read!.bytes).toString('base64')).toBe(bytes)
  const response = commitToResponse(commitmentKey(vectors.session.token))
  response.add(chunk)
  expect(response.value()).toBe(responseCommit)
})
