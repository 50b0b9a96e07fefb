import { expect, test } from 'vitest'
import { createNotary, createSigner } from '../../src/chain/index.ts'
import type { Hex, QuotedModel, QuoteSheet, Signer } from '../../src/core/index.ts'
import { checkedSheet } from '../../src/node/sheet-check.ts'

const key = (digit: string): Hex => `0x${digit.repeat(64)}`
const [honest, other] = [createSigner(key('1')), createSigner(key('2'))]
const notary = createNotary({ chainId: 31_337n, escrow: '0x00000000000000000000000000000000000000E5' })
const entry = { provider: honest.address, signer: honest.address }

function quoted(id: string, by: Signer, provider = honest.address): QuotedModel {
  const message = {
    ...{ provider, modelId: key('a'), priceIn: 1n, priceCachedIn: 1n, priceOut: 2n, minimumCharge: 0n },
    ...{ unit: 'tokens', windowTokens: 256, contextTokens: 1_024, concurrency: 8 },
    ...{ expiresAt: 2_000_000_000n, nonce: 7n },
  }
  const signature = by.sign(notary.hashQuote(message))
  return {
    model: { id, object: 'model', created: 1, owned_by: 'x' },
    quote: { message, signature } as QuotedModel['quote'],
  }
}

const sheetOf = (...models: QuotedModel[]): QuoteSheet => ({
  ...{ provider: honest.address, domain: notary.domain, rail: 'vouchers', models },
})
const idsOf = (sheet: QuoteSheet) => checkedSheet(sheet, entry, notary).models.map(({ model }) => model.id)

test('only prices that the signer of the registry signed are taken', () => {
  const good = quoted('good', honest)
  const dearer = { ...good, quote: { ...good.quote, message: { ...good.quote.message, priceOut: 3n } } }
  const torn = { ...good, quote: { ...good.quote, signature: '0x00' as Hex } }
  expect(idsOf(sheetOf(quoted('forged', other), good, dearer, torn))).toEqual(['good'])
  expect(idsOf(sheetOf())).toEqual([])
})

test('a sheet without a price that holds, of somebody else or of another chain is refused', () => {
  const elsewhere = { ...notary.domain, chainId: 1n }
  for (const sheet of [
    sheetOf(quoted('forged', other)),
    sheetOf(quoted('of another', honest, other.address)),
    { ...sheetOf(quoted('good', honest)), provider: other.address },
    { ...sheetOf(quoted('good', honest)), domain: elsewhere },
  ]) {
    expect(() => idsOf(sheet)).toThrow(expect.objectContaining({ code: 'payment_invalid' }))
  }
})
