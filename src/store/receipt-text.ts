import type { Receipt, SignedReceipt } from '../core/index.ts'

type Amount = { [K in keyof Receipt]: Receipt[K] extends bigint ? K : never }[keyof Receipt]

const amounts: readonly Amount[] = [
  'seq',
  'tokensIn',
  'tokensCached',
  'tokensOut',
  'charge',
  'cumulative',
  'seed',
  'startedAt',
  'endedAt',
]

/** A signed receipt as the text of one column: amounts as decimal strings. */
export function toReceiptText(signed: SignedReceipt): string {
  return JSON.stringify(signed, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

export function fromReceiptText(text: string): SignedReceipt {
  const { message, signature } = JSON.parse(text) as { message: Record<string, unknown>; signature: `0x${string}` }
  for (const field of amounts) message[field] = BigInt(message[field] as string)
  return { message: message as unknown as Receipt, signature }
}
