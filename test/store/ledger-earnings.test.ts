import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type ChannelKey, type Receipt, type SignedReceipt, systemClock } from '../../src/core/index.ts'
import { createLedger } from '../../src/store/index.ts'

const hour = 3_600_000
const key: ChannelKey = {
  side: 'provider',
  chainId: 31_337n,
  escrow: `0x${'E'.repeat(40)}`,
  payer: `0x${'a'.repeat(40)}`,
  provider: `0x${'b'.repeat(40)}`,
  epoch: 0n,
}
const other: ChannelKey = { ...key, payer: `0x${'c'.repeat(40)}` }

function open() {
  const folder = mkdtempSync(join(tmpdir(), 'parley-earnings-'))
  let now = 0
  const ledger = createLedger(join(folder, 'ledger.db'), { clock: { ...systemClock, now: () => now } })
  onTestFinished(() => {
    ledger.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const totals = new Map<ChannelKey, { seq: bigint; sum: bigint }>()
  const earn = (from: ChannelKey, at: number, charge: bigint) => {
    now = at
    const { seq, sum } = totals.get(from) ?? { seq: 0n, sum: 0n }
    totals.set(from, { seq: seq + 1n, sum: sum + charge })
    ledger.charge(from, receipt(seq + 1n, sum + charge, charge), 'peer:x')
  }
  return { ledger, earn }
}

function receipt(seq: bigint, cumulative: bigint, charge: bigint): SignedReceipt {
  const hash = `0x${'1'.repeat(64)}` as const
  const message: Receipt = {
    ...{ session: hash, seq, requestId: `call-${seq}`, modelId: hash, promptCommit: hash, responseCommit: hash },
    ...{ tokensIn: 3n, tokensCached: 0n, tokensOut: 5n, charge, cumulative, quoteHash: hash, seed: 0n },
    ...{ finishReason: 'stop', startedAt: seq, endedAt: seq },
  }
  return { message, signature: `0x${seq.toString(16).padStart(2, '0')}` }
}

const always = { ...key, from: 0, to: Number.MAX_SAFE_INTEGER }

test('what was earned is told by spans of time, of this escrow and side alone', () => {
  const { ledger, earn } = open()
  earn(key, 10, 5n)
  earn(key, hour - 1, 7n)
  earn(other, hour, 2n ** 90n)
  earn({ ...key, side: 'user' }, hour, 100n)
  earn({ ...key, chainId: 1n }, hour, 100n)
  earn(key, 5 * hour, 1n)
  const rows = [
    { start: 0, amount: 12n, calls: 2 },
    { start: hour, amount: 2n ** 90n, calls: 1 },
    { start: 5 * hour, amount: 1n, calls: 1 },
  ]
  expect(ledger.earnedByTime(always, hour)).toEqual(rows)
  expect(ledger.earnedByTime({ ...always, from: hour, to: 5 * hour }, hour)).toEqual([rows[1]])
  expect(ledger.earnedByTime({ ...always, from: 6 * hour }, hour)).toEqual([])
})

test('those who brought most come first', () => {
  const { ledger, earn } = open()
  earn(key, 10, 2n ** 45n)
  earn(key, 20, 5n)
  earn(other, 20, 2n ** 90n)
  expect(ledger.earnedByPayer(always)).toEqual([
    { payer: other.payer, amount: 2n ** 90n, calls: 1 },
    { payer: key.payer, amount: 2n ** 45n + 5n, calls: 2 },
  ])
})

test('spans add up to the whole', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(99), fc.bigInt({ min: 0n, max: 2n ** 100n })), { maxLength: 15 }), rows => {
      const { ledger, earn } = open()
      for (const [at, charge] of rows) earn(key, at, charge)
      const sum = rows.reduce((total, [, charge]) => total + charge, 0n)
      expect(ledger.earnedByTime(always, 7).reduce((total, { amount }) => total + amount, 0n)).toBe(sum)
      expect(ledger.earnedByPayer(always).reduce((total, { amount }) => total + amount, 0n)).toBe(sum)
    }),
    { numRuns: 15 },
  )
})
