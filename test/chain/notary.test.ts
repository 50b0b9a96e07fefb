import fc from 'fast-check'
import { hashTypedData, recoverAddress, serializeSignature } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, test, vi } from 'vitest'
import { compactSignature, createNotary, createSigner, toAddress } from '../../src/chain/index.ts'
import { type Address, type Hex, ParleyError, type Voucher } from '../../src/core/index.ts'

vi.setConfig({ testTimeout: 60_000 })

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => `0x${Buffer.from(value).toString('hex')}`)
const address = hex(20) as fc.Arbitrary<Address>
const uint = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const privateKey = fc
  .bigInt({ min: 1n, max: order - 1n })
  .map((value): Hex => `0x${value.toString(16).padStart(64, '0')}`)

const fields = (list: string) =>
  list.split(',').map(field => ({ type: field.split(' ')[0]!, name: field.split(' ')[1]! }))
const types = {
  Voucher: fields('address payer,address provider,uint64 epoch,uint128 cumulative'),
  Quote: fields(
    'address provider,uint256 nonce,bytes32 modelId,string unit,uint128 priceIn,uint128 priceCachedIn,uint128 priceOut,uint128 minimumCharge,uint32 windowTokens,uint32 contextTokens,uint32 concurrency,uint64 expiresAt',
  ),
  Receipt: fields(
    'bytes32 session,uint64 seq,string requestId,bytes32 modelId,bytes32 promptCommit,bytes32 responseCommit,uint64 tokensIn,uint64 tokensCached,uint64 tokensOut,uint128 charge,uint128 cumulative,bytes32 quoteHash,uint64 seed,string finishReason,uint64 startedAt,uint64 endedAt',
  ),
  Hello: fields('address payer,address provider,string peerId,bytes32 nonce,uint64 timestamp'),
}

const domain = fc.record({ chainId: uint(64), escrow: address })
const voucher = fc.record({ payer: address, provider: address, epoch: uint(64), cumulative: uint(128) })
const quote = fc.record({
  provider: address,
  nonce: uint(256),
  modelId: hex(32),
  unit: text,
  priceIn: uint(128),
  priceCachedIn: uint(128),
  priceOut: uint(128),
  minimumCharge: uint(128),
  windowTokens: uint32,
  contextTokens: uint32,
  concurrency: uint32,
  expiresAt: uint(64),
})
const receipt = fc.record({
  session: hex(32),
  seq: uint(64),
  requestId: text,
  modelId: hex(32),
  promptCommit: hex(32),
  responseCommit: hex(32),
  tokensIn: uint(64),
  tokensCached: uint(64),
  tokensOut: uint(64),
  charge: uint(128),
  cumulative: uint(128),
  quoteHash: hex(32),
  seed: uint(64),
  finishReason: text,
  startedAt: uint(64),
  endedAt: uint(64),
})
const hello = fc.record({ payer: address, provider: address, peerId: text, nonce: hex(32), timestamp: uint(64) })

/** viem as the second opinion. */
function reference(
  primaryType: keyof typeof types,
  { chainId, escrow }: { chainId: bigint; escrow: Hex },
  message: object,
) {
  return hashTypedData({
    domain: { name: 'Parley', version: '1', chainId, verifyingContract: escrow },
    types: types as Record<string, { name: string; type: string }[]>,
    primaryType,
    message: message as Record<string, unknown>,
  })
}

const code = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    return error instanceof ParleyError ? error.code : `not typed: ${String(error)}`
  }
  return 'nothing thrown'
}

test('digests equal viem for every message and domain', () => {
  fc.assert(
    fc.property(domain, voucher, quote, receipt, hello, (at, voucher, quote, receipt, hello) => {
      const notary = createNotary(at)
      expect(notary.hashVoucher(voucher)).toBe(reference('Voucher', at, voucher))
      expect(notary.hashQuote(quote)).toBe(reference('Quote', at, quote))
      expect(notary.hashReceipt(receipt)).toBe(reference('Receipt', at, receipt))
      expect(notary.hashHello(hello)).toBe(reference('Hello', at, hello))
    }),
    { numRuns: 200 },
  )
})

test('two notaries of different domains do not disturb each other', () => {
  const message = fc.sample(voucher, 1)[0]!
  const [first, second] = fc.sample(domain, 2)
  const [one, two] = [createNotary(first!), createNotary(second!)]
  const before = one.hashVoucher(message)
  expect(two.hashVoucher(message)).not.toBe(before)
  expect(one.hashVoucher(message)).toBe(before)
})

test('signatures equal viem bit for bit, and both sides recover the same address', async () => {
  await fc.assert(
    fc.asyncProperty(privateKey, hex(32), async (key, digest) => {
      const signer = createSigner(key)
      const account = privateKeyToAccount(key)
      const signature = signer.sign(digest)
      expect(signer.address).toBe(account.address)
      expect(signature).toBe(await account.sign({ hash: digest }))
      expect(notary.recover(digest, signature)).toBe(account.address)
      expect(await recoverAddress({ hash: digest, signature })).toBe(account.address)
    }),
    { numRuns: 60 },
  )
})

test('recovering random signatures agrees with viem on the address, or both refuse', async () => {
  const scalar = fc.bigInt({ min: 1n, max: order / 2n })
  await fc.assert(
    fc.asyncProperty(hex(32), scalar, scalar, fc.constantFrom(0, 1), async (digest, r, s, yParity) => {
      const signature = serializeSignature({ r: word(r), s: word(s), yParity })
      const theirs = await recoverAddress({ hash: digest, signature }).catch(() => 'payment_invalid')
      let ours: string
      try {
        ours = notary.recover(digest, signature)
      } catch (error) {
        ours = (error as ParleyError).code
      }
      expect(ours).toBe(theirs)
    }),
    { numRuns: 60 },
  )
})

const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`
const notary = createNotary({ chainId: 31337n, escrow: '0x5FbDB2315678afecb367f032d93F642f64180aa3' })
const signer = createSigner(`0x${'11'.repeat(32)}`)
const digest: Hex = `0x${'ab'.repeat(32)}`

test('a flipped bit anywhere in a signature never recovers its signer', () => {
  const bytes = Buffer.from(signer.sign(digest).slice(2), 'hex')
  for (let bit = 0; bit < 65 * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    try {
      expect(notary.recover(digest, `0x${flipped.toString('hex')}`)).not.toBe(signer.address)
    } catch (error) {
      expect((error as ParleyError).code).toBe('payment_invalid')
    }
  }
})

test('the high-s twin of a good signature is refused', () => {
  const good = signer.sign(digest)
  const s = BigInt(`0x${good.slice(66, 130)}`)
  const twin = `${good.slice(0, 66)}${word(order - s).slice(2)}${good.endsWith('1b') ? '1c' : '1b'}` as Hex
  expect(() => notary.recover(digest, twin)).toThrow('high s')
  expect(code(() => notary.recover(digest, twin))).toBe('payment_invalid')
})

test('other spellings of a signature are refused', () => {
  const good = signer.sign(digest)
  const short = good.slice(0, 130)
  const others = [`${short}00`, `${short}01`, short, `${good}00`, '0x', 'nonsense', `0x${'00'.repeat(65)}`] as Hex[]
  for (const other of others) expect(code(() => notary.recover(digest, other))).toBe('payment_invalid')
  expect(code(() => notary.recover('0x12', good))).toBe('payment_invalid')
})

test('a number its type cannot hold is refused instead of cut', () => {
  const good: Voucher = { payer: signer.address, provider: signer.address, epoch: 1n, cumulative: 5n }
  const bad: unknown[] = [
    { ...good, cumulative: 2n ** 128n },
    { ...good, cumulative: -1n },
    { ...good, epoch: 2n ** 64n },
    { ...good, epoch: 1.5 },
    { ...good, epoch: '1' },
    { ...good, epoch: undefined },
    { ...good, payer: '0x12' },
    { ...good, payer: `0x${'g'.repeat(40)}` },
  ]
  for (const message of bad) expect(code(() => notary.hashVoucher(message as Voucher))).toBe('payment_invalid')
  expect(notary.hashVoucher({ ...good, cumulative: 2n ** 128n - 1n })).toMatch(/^0x/)
})

test('half a surrogate pair is refused, since it has no bytes of its own', () => {
  const message = fc.sample(hello, 1)[0]!
  expect(code(() => notary.hashHello({ ...message, peerId: '\ud800' }))).toBe('payment_invalid')
})

test('the compact form is the one of EIP-2098', () => {
  fc.assert(
    fc.property(hex(32), digest => {
      const signature = signer.sign(digest)
      const { r, vs } = compactSignature(signature)
      expect(r).toBe(signature.slice(0, 66))
      const parity = BigInt(vs) >> 255n
      expect(word(BigInt(vs) & (2n ** 255n - 1n)).slice(2)).toBe(signature.slice(66, 130))
      expect(27n + parity).toBe(BigInt(`0x${signature.slice(130)}`))
    }),
    { numRuns: 40 },
  )
})

test('a locked signer signs nothing', () => {
  const signer = createSigner(`0x${'22'.repeat(32)}`)
  signer.lock()
  expect(code(() => signer.sign(digest))).toBe('wallet_locked')
})

test('a private key outside the curve is refused, and the message does not repeat it', () => {
  for (const key of [word(0n), word(order), '0x12', `0x${'zz'.repeat(32)}`] as Hex[]) {
    expect(code(() => createSigner(key))).toBe('wallet_invalid')
    expect(() => createSigner(key)).not.toThrow(key.slice(2))
  }
})

test('an address is written one way, and a broken checksum is noticed', () => {
  const checked = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
  expect(toAddress(checked.toLowerCase())).toBe(checked)
  expect(toAddress(`0x${checked.slice(2).toUpperCase()}`)).toBe(checked)
  expect(code(() => toAddress(checked.replace('F', 'f')))).toBe('invalid_request')
  expect(code(() => toAddress('0x12'))).toBe('invalid_request')
})
