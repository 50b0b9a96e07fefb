import fc from 'fast-check'
import { formatUnits, parseUnits } from 'viem'
import { expect, test } from 'vitest'
import { formatAmount, parseAmount } from '../../src/chain/index.ts'

test('an amount written and read again is the same, at any number of decimals', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n }), fc.integer({ min: 0, max: 30 }), (amount, decimals) => {
      const text = formatAmount(amount, decimals)
      expect(text).toBe(formatUnits(amount, decimals))
      expect(parseAmount(text, decimals)).toBe(amount)
      expect(parseUnits(text, decimals)).toBe(amount)
    }),
  )
})

test('amounts are read as people write them', () => {
  expect(parseAmount('1.5', 6)).toBe(1_500_000n)
  expect(parseAmount(' 12 ', 6)).toBe(12_000_000n)
  expect(parseAmount('0.000001', 6)).toBe(1n)
  expect(parseAmount('1.5000000000', 6)).toBe(1_500_000n)
  expect(formatAmount(1_500_000n, 6)).toBe('1.5')
  expect(formatAmount(-1n, 6)).toBe('-0.000001')
  expect(formatAmount(5n, 0)).toBe('5')
})

test('what would have to be guessed or rounded is refused', () => {
  for (const text of ['', '-1', '1,5', '1e6', '.5', '5.', '0x10', '1 000', '1.0000001', 'NaN', '9'.repeat(61)]) {
    expect(() => parseAmount(text, 6)).toThrow()
  }
})
