import { z } from 'zod'
import type {
  Address,
  HeldProofs,
  Hex,
  QuoteSheet,
  SessionGrant,
  SignedHello,
  SignedQuote,
  SignedReceipt,
  SignedVoucher,
} from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Model } from '../openai/index.ts'
import { plainWords } from './plain-words.ts'

/**
 * Every JSON message between nodes, as codecs: `decode` takes what came over the wire, `encode` gives what goes. Amounts
 * and 64-bit numbers are decimal strings; addresses and hashes are hex. Unknown fields are ignored, so that a newer node
 * may say more.
 */
function unsigned(bits: number) {
  const limit = 2n ** BigInt(bits)
  return z.codec(
    z
      .string()
      .regex(/^(0|[1-9]\d{0,77})$/, { abort: true })
      .refine(text => BigInt(text) < limit, { error: `does not fit ${bits} bits` }),
    z.bigint().nonnegative(),
    { decode: text => BigInt(text), encode: String },
  )
}

const uint64 = unsigned(64)
const uint128 = unsigned(128)
const uint256 = unsigned(256)
const count = z.number().int().nonnegative().max(0xffff_ffff)
const address = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]{40}$/)]) as unknown as z.ZodType<
  Address,
  Address
>
const bytes32 = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/)]) as unknown as z.ZodType<Hex, Hex>
const signature = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{130}$/)]) as unknown as z.ZodType<Hex, Hex>
const requestId = z.string().regex(/^[\w-]{8,64}$/)

const DomainFields = z.object({ chainId: uint256, escrow: address })

const VoucherFields = z.object({ payer: address, provider: address, epoch: uint64, cumulative: uint128 })
const VoucherMessage = z.object({ domain: DomainFields, message: VoucherFields, signature })

const QuoteFields = z.object({
  provider: address,
  nonce: uint256,
  modelId: bytes32,
  unit: z.string().regex(/^[a-z]{1,32}$/),
  priceIn: uint128,
  priceCachedIn: uint128,
  priceOut: uint128,
  minimumCharge: uint128,
  windowTokens: count.min(1),
  contextTokens: count,
  concurrency: count.min(1),
  expiresAt: uint64,
})

const ReceiptFields = z.object({
  session: bytes32,
  seq: uint64,
  requestId: z.string().max(128),
  modelId: bytes32,
  promptCommit: bytes32,
  responseCommit: bytes32,
  tokensIn: uint64,
  tokensCached: uint64,
  tokensOut: uint64,
  charge: uint128,
  cumulative: uint128,
  quoteHash: bytes32,
  seed: uint64,
  finishReason: z.string().max(64),
  startedAt: uint64,
  endedAt: uint64,
})
const ReceiptMessage = z.object({ message: ReceiptFields, signature })

const HelloFields = z.object({
  payer: address,
  provider: address,
  peerId: z.string().max(256),
  nonce: bytes32,
  timestamp: uint64,
})
const HelloMessage = z.object({
  version: z.literal(1),
  domain: DomainFields,
  message: HelloFields,
  signature,
  held: z.object({ voucher: VoucherMessage.optional(), receipt: ReceiptMessage.optional() }).optional(),
})

const GrantMessage = z.object({
  session: bytes32,
  epoch: uint64,
  accepted: uint128,
  charged: uint128,
  covered: uint128,
  voucher: VoucherMessage.optional(),
  receipt: ReceiptMessage.optional(),
})

const SheetMessage = z.object({
  provider: address,
  domain: DomainFields,
  rail: z.enum(['vouchers', 'free']),
  models: z.array(z.object({ model: Model, quote: z.object({ message: QuoteFields, signature }) })).max(10_000),
})

const NeedVoucherMessage = z.object({ cumulative: uint128 })
const AcceptedMessage = z.object({ accepted: uint128 })
const ReceiptsQuery = z.object({ requests: z.array(requestId).max(100) })
const ReceiptsMessage = z.object({ receipts: z.array(ReceiptMessage).max(100) })

/** One message, both ways. `decode` throws `payment_invalid` and names the field at fault. */
export interface WireCodec<T> {
  readonly encode: (value: T) => unknown
  readonly decode: (json: unknown) => T
}

function codec<T>(name: string, schema: z.ZodType): WireCodec<T> {
  return {
    encode: value => z.encode(schema, value),
    decode: json => {
      const parsed = z.safeDecode(schema, json)
      if (parsed.success) return parsed.data as T
      const [issue] = parsed.error.issues
      const where = issue === undefined || issue.path.length === 0 ? name : `${name}.${issue.path.join('.')}`
      throw new ParleyError('payment_invalid', plainWords(`${where} is malformed: ${issue?.message ?? 'unreadable'}`), {
        cause: parsed.error,
      })
    },
  }
}

export const sheetCodec = codec<QuoteSheet>('quote sheet', SheetMessage)
export const quoteCodec = codec<SignedQuote>('quote', z.object({ message: QuoteFields, signature }))
export const helloCodec = codec<SignedHello & { version: 1; held?: HeldProofs | undefined }>('hello', HelloMessage)
export const grantCodec = codec<SessionGrant>('session', GrantMessage)
export const voucherCodec = codec<SignedVoucher>('voucher', VoucherMessage)
export const acceptedCodec = codec<{ accepted: bigint }>('voucher answer', AcceptedMessage)
export const needVoucherCodec = codec<{ cumulative: bigint }>('need-voucher', NeedVoucherMessage)
export const receiptCodec = codec<SignedReceipt>('receipt', ReceiptMessage)
export const receiptsQueryCodec = codec<{ requests: string[] }>('receipts query', ReceiptsQuery)
export const receiptsCodec = codec<{ receipts: SignedReceipt[] }>('receipts', ReceiptsMessage)

const headerBytesMax = 2_048

/** A voucher as a header value: its JSON in base64url. */
export function encodeVoucherHeader(voucher: SignedVoucher): string {
  return Buffer.from(JSON.stringify(voucherCodec.encode(voucher))).toString('base64url')
}

export function decodeVoucherHeader(value: string): SignedVoucher {
  let json: unknown
  try {
    if (value.length > headerBytesMax) throw new RangeError(`longer than ${headerBytesMax} bytes`)
    json = JSON.parse(Buffer.from(value, 'base64url').toString('utf8'))
  } catch (cause) {
    throw new ParleyError('payment_invalid', 'the voucher header is not JSON in base64url', { cause })
  }
  return voucherCodec.decode(json)
}

/** Whether a request may be named so on the wire. */
export function isRequestId(text: string | undefined): text is string {
  return text !== undefined && requestId.safeParse(text).success
}
