import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createNotary, createSigner } from '../../src/chain/index.ts'
import type { Hex, SignedVoucher } from '../../src/core/index.ts'
import { ParleyError } from '../../src/core/index.ts'
import { decodeVoucherHeader, encodeVoucherHeader, voucherCodec } from '../../src/session/index.ts'
import { signedHello, signedVoucher } from './messages.ts'
import { createStage, domain, notary, payer, provider, providerKey, type Stage, userPeerId } from './stage.ts'

let stage: Stage
let session: Hex
const accepted = 1_000n
const signal = new AbortController().signal
const stranger = createSigner(`0x${'33'.repeat(32)}`)

beforeEach(async () => {
  stage = createStage()
  session = (await stage.till.open(signedHello(), userPeerId, signal)).session
  await stage.till.voucher(session, signedVoucher({ cumulative: accepted }), signal)
})
afterEach(() => stage.close())

const curveOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** The same signature with s negated: mathematically valid, refused because each voucher has one spelling. */
function malleated({ signature, ...rest }: SignedVoucher): SignedVoucher {
  const s = curveOrder - BigInt(`0x${signature.slice(66, 130)}`)
  const v = signature.endsWith('1b') ? '1c' : '1b'
  return { ...rest, signature: `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}` as Hex }
}

const address = fc.stringMatching(/^[0-9a-f]{40}$/).map(hex => `0x${hex}` as const)
const higher = fc.bigInt(accepted + 1n, 9_000_000n)

/** Each way to spoil a good voucher, with the one error it must meet. */
const mutations: Record<string, fc.Arbitrary<SignedVoucher>> = {
  voucher_chain: fc.tuple(higher, fc.bigInt(1n, 2n ** 64n)).map(([cumulative, chainId]) => {
    const other = { chainId: chainId === domain.chainId ? 1n : chainId, escrow: domain.escrow }
    return { ...signedVoucher({ cumulative }), domain: other }
  }),
  voucher_escrow: fc.tuple(higher, address).map(([cumulative, escrow]) => ({
    ...signedVoucher({ cumulative }),
    domain: { ...domain, escrow },
  })),
  voucher_payer: fc.tuple(higher, address).map(([cumulative, other]) => signedVoucher({ cumulative, payer: other })),
  voucher_provider: fc
    .tuple(higher, address)
    .map(([cumulative, other]) => signedVoucher({ cumulative, provider: other })),
  voucher_epoch: fc
    .tuple(higher, fc.bigInt(1n, 2n ** 64n - 1n))
    .map(([cumulative, epoch]) => signedVoucher({ cumulative, epoch })),
  voucher_lower: fc.bigInt(0n, accepted - 1n).map(cumulative => signedVoucher({ cumulative })),
  voucher_replayed: fc.constant(signedVoucher({ cumulative: accepted })),
  insufficient_funds: fc.bigInt(10_000_001n, 2n ** 128n - 1n).map(cumulative => signedVoucher({ cumulative })),
  voucher_signature: fc.oneof(
    fc.tuple(higher, fc.bigInt(1n, 1_000n)).map(([cumulative, more]) => {
      const { message, ...rest } = signedVoucher({ cumulative })
      return { ...rest, message: { ...message, cumulative: cumulative + more } }
    }),
    higher.map(cumulative => {
      const voucher = signedVoucher({ cumulative })
      return { ...voucher, signature: stranger.sign(notary.hashVoucher(voucher.message)) }
    }),
    higher.map(cumulative => {
      const elsewhere = createNotary({ ...domain, chainId: 1n })
      const voucher = signedVoucher({ cumulative })
      return { ...voucher, signature: stranger.sign(elsewhere.hashVoucher(voucher.message)) }
    }),
    higher.map(cumulative => malleated(signedVoucher({ cumulative }))),
    fc.tuple(higher, fc.nat(129), fc.integer({ min: 1, max: 15 })).map(([cumulative, at, flip]) => {
      const voucher = signedVoucher({ cumulative })
      const digit = (Number.parseInt(voucher.signature[at + 2]!, 16) ^ flip).toString(16)
      return {
        ...voucher,
        signature: `${voucher.signature.slice(0, at + 2)}${digit}${voucher.signature.slice(at + 3)}` as Hex,
      }
    }),
  ),
}

test('of 1,000 spoilt vouchers none is accepted, and each kind meets its own error', async () => {
  const spoilt = fc.oneof(
    ...Object.entries(mutations).map(([code, arbitrary]) => arbitrary.map(voucher => ({ code, voucher }))),
  )
  await fc.assert(
    fc.asyncProperty(spoilt, async ({ code, voucher }) => {
      const answer = await stage.till.voucher(session, voucher, signal).catch((cause: unknown) => cause)
      expect(answer).toBeInstanceOf(ParleyError)
      expect((answer as ParleyError).code).toBe(code)
      expect(stage.providerLedger.channel(providerKey)?.authorized).toBe(accepted)
    }),
    { numRuns: 1_000 },
  )
  expect(await stage.till.voucher(session, signedVoucher({ cumulative: accepted + 1n }), signal)).toBe(accepted + 1n)
}, 60_000)

test('a voucher survives its header and its JSON, whatever its numbers', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 128n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (cumulative, epoch) => {
      const voucher = signedVoucher({ cumulative, epoch })
      expect(decodeVoucherHeader(encodeVoucherHeader(voucher))).toEqual(voucher)
      expect(voucherCodec.decode(JSON.parse(JSON.stringify(voucherCodec.encode(voucher))))).toEqual(voucher)
    }),
    { numRuns: 50 },
  )
})

test('a malformed message names the field at fault', () => {
  const json = voucherCodec.encode(signedVoucher({ cumulative: 5n })) as { message: Record<string, unknown> }
  const broken: [string, unknown][] = [
    ['cumulative', 5],
    ['cumulative', '-1'],
    ['cumulative', '05'],
    ['cumulative', String(2n ** 128n)],
    ['epoch', String(2n ** 64n)],
    ['payer', '0x12'],
  ]
  for (const [field, value] of broken) {
    expect(() => voucherCodec.decode({ ...json, message: { ...json.message, [field]: value } })).toThrow(
      expect.objectContaining({ code: 'payment_invalid', message: expect.stringContaining(`message.${field}`) }),
    )
  }
  for (const header of ['', 'x', '%%%', 'e30', 'A'.repeat(3_000)]) {
    expect(() => decodeVoucherHeader(header)).toThrow(expect.objectContaining({ code: 'payment_invalid' }))
  }
})

const refused = (code: string) => expect.objectContaining({ code })

test('a hello opens a session once, on its own connection, now, and only by the session key', async () => {
  const { till } = stage
  const hello = signedHello()
  await till.open(hello, userPeerId, signal)
  await expect(till.open(hello, userPeerId, signal)).rejects.toThrow(refused('payment_invalid'))
  await expect(till.open(signedHello(), '12D3KooWOther', signal)).rejects.toThrow(refused('payment_invalid'))
  const minutes = (count: number) => BigInt(Date.now() + count * 60_000)
  for (const timestamp of [minutes(-6), minutes(6)]) {
    await expect(till.open(signedHello({ timestamp }), userPeerId, signal)).rejects.toThrow(refused('payment_invalid'))
  }
  await expect(till.open(signedHello({}, stranger), userPeerId, signal)).rejects.toThrow(refused('payment_invalid'))
  const elsewhere = { ...signedHello(), domain: { ...domain, chainId: 1n } }
  await expect(till.open(elsewhere, userPeerId, signal)).rejects.toThrow(refused('voucher_chain'))
  await expect(till.open(signedHello({ provider: payer }), userPeerId, signal)).rejects.toThrow(
    refused('voucher_provider'),
  )
})

test('a new session of the same payer ends the one before', async () => {
  await stage.till.open(signedHello(), userPeerId, signal)
  await expect(stage.till.voucher(session, signedVoucher({ cumulative: 2_000n }), signal)).rejects.toThrow(
    refused('session_unknown'),
  )
})

test('the provider hands back the newest voucher, and takes back what it lost', async () => {
  const { till } = stage
  const grant = await till.open(signedHello(), userPeerId, signal)
  expect(grant).toMatchObject({ accepted, charged: 0n, epoch: 0n, covered: 10_000_000n })
  expect(grant.voucher?.message).toMatchObject({ payer, provider, cumulative: accepted })
  const held = { voucher: signedVoucher({ cumulative: 5_000n }) }
  expect(await till.open(signedHello(), userPeerId, signal, held)).toMatchObject({ accepted: 5_000n })
  const ofFormerEpoch = { voucher: signedVoucher({ cumulative: 9_000n, epoch: 7n }) }
  expect(await till.open(signedHello(), userPeerId, signal, ofFormerEpoch)).toMatchObject({ accepted: 5_000n })
})

test('sessions are bounded: an idle one makes room', async () => {
  const small = createStage({ till: { limits: { sessionsMax: 1 } } })
  const first = await small.till.open(signedHello(), userPeerId, signal)
  const other = signedHello({ payer: `0x${'c3'.repeat(20)}` })
  await small.till.open(other, userPeerId, signal)
  await expect(small.till.receipts(first.session, [], signal)).rejects.toThrow(refused('session_unknown'))
  small.close()
})

test('free money counts up to the soft credit, reserved money in full', async () => {
  const careful = createStage({ till: { limits: { softCredit: 100n } } })
  careful.escrow.state = { ...careful.escrow.state, free: 1_000n, reserved: 50n }
  const { session, covered } = await careful.till.open(signedHello(), userPeerId, signal)
  expect(covered).toBe(150n)
  expect(await careful.till.voucher(session, signedVoucher({ cumulative: 150n }), signal)).toBe(150n)
  await expect(careful.till.voucher(session, signedVoucher({ cumulative: 151n }), signal)).rejects.toThrow(
    refused('insufficient_funds'),
  )
  careful.close()
})
