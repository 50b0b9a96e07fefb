import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import { type Address, chargeFor, type Hex, ParleyError, type Quote, type Receipt } from '../../core/index.ts'
import { action } from '../context.ts'
import { pairs } from '../output.ts'
import { readAll } from '../prompt.ts'

export function addVerify(program: Command): void {
  program
    .command('verify')
    .argument('<receipt>', 'JSON file of `parley session receipt`; - is standard input')
    .description('check a signed receipt offline: who signed it, and that it charges what the quote says')
    .option('--signer <address>', 'the signer it must be from; the one named in the file when missing')
    .addHelpText('after', '\nExample:\n  $ parley session receipt > receipt.json && parley verify receipt.json')
    .action(
      action(async ({ out, stdin }, file: string, { signer }: { signer?: string }) => {
        const text = file === '-' ? await readAll(stdin, 1_048_576) : await read(file)
        const verdict = await verify(parse(text), signer)
        out.answer({ valid: true, ...verdict }, () => pairs(Object.entries(verdict).map(([k, v]) => [k, String(v)])))
      }),
    )
}

const hex = z.string().regex(/^0x[0-9a-fA-F]*$/) as unknown as z.ZodType<Hex>
const digits = z
  .string()
  .regex(/^\d{1,78}$/)
  .transform(BigInt)
const signed = <T extends z.ZodType>(message: T) => z.looseObject({ message, signature: hex })

const receiptSchema = z.object({
  session: hex,
  seq: digits,
  requestId: z.string(),
  modelId: hex,
  promptCommit: hex,
  responseCommit: hex,
  tokensIn: digits,
  tokensCached: digits,
  tokensOut: digits,
  charge: digits,
  cumulative: digits,
  quoteHash: hex,
  seed: digits,
  finishReason: z.string(),
  startedAt: digits,
  endedAt: digits,
}) satisfies z.ZodType<Receipt>

const quoteSchema = z.object({
  provider: hex,
  nonce: digits,
  modelId: hex,
  unit: z.string(),
  priceIn: digits,
  priceCachedIn: digits,
  priceOut: digits,
  minimumCharge: digits,
  windowTokens: z.int(),
  contextTokens: z.int(),
  concurrency: z.int(),
  expiresAt: digits,
}) satisfies z.ZodType<Quote>

const proofSchema = z.looseObject({
  domain: z.object({ chainId: digits, escrow: hex }),
  receipt: signed(receiptSchema),
  quote: signed(quoteSchema).optional(),
  signer: hex.optional(),
})
type Proof = z.output<typeof proofSchema>

async function verify({ domain, receipt, quote, signer: named }: Proof, wanted: string | undefined) {
  const { createNotary } = await import('../../chain/index.ts')
  const notary = createNotary(domain)
  const signer = notary.recover(notary.hashReceipt(receipt.message), receipt.signature)
  const expected = wanted ?? named
  if (expected !== undefined && expected.toLowerCase() !== signer.toLowerCase()) {
    throw new ParleyError('receipt_invalid', `it is signed by ${signer}, not by ${expected}`)
  }
  if (quote !== undefined) {
    const hash = notary.hashQuote(quote.message)
    checkQuote(receipt.message, quote.message, { hash, by: notary.recover(hash, quote.signature), signer })
  }
  const { requestId, modelId, tokensIn, tokensOut, charge, cumulative } = receipt.message
  return {
    signer,
    signerIsExpected: expected !== undefined,
    quoteChecked: quote !== undefined,
    chainId: domain.chainId,
    escrow: domain.escrow,
    requestId,
    modelId,
    tokensIn,
    tokensOut,
    charge,
    cumulative,
  }
}

function checkQuote(receipt: Receipt, quote: Quote, sides: { hash: Hex; by: Address; signer: Address }): void {
  const { hash, by, signer } = sides
  if (by !== signer) throw new ParleyError('receipt_invalid', `its quote is signed by ${by}, the receipt by ${signer}`)
  if (hash.toLowerCase() !== receipt.quoteHash.toLowerCase()) {
    throw new ParleyError('receipt_invalid', 'it belongs to another quote than the one in the file')
  }
  if (quote.modelId !== receipt.modelId)
    throw new ParleyError('receipt_invalid', 'its model is not the one of the quote')
  const { tokensIn, tokensCached, tokensOut } = receipt
  const due = chargeFor(quote, { in: Number(tokensIn), cached: Number(tokensCached), out: Number(tokensOut) })
  if (receipt.charge > due) {
    throw new ParleyError('receipt_invalid', `it charges ${receipt.charge}, by its quote ${due} were due`)
  }
}

function parse(text: string): Proof {
  try {
    return proofSchema.parse(JSON.parse(text))
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined
    const why = issue ? `${issue.path.join('.') || 'it'}: ${issue.message}` : 'it is not JSON'
    throw new ParleyError('receipt_invalid', `this is not a receipt file: ${why}`, { cause })
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ParleyError('not_found', `${path} cannot be read; check the path`, { cause })
  }
}
