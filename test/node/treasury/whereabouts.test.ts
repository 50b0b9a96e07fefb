import fc from 'fast-check'
import { expect, test } from 'vitest'
import { whereIsMyMoney } from '../../../src/node/treasury/whereabouts.ts'

const amount = fc.bigInt({ min: 0n, max: 2n ** 96n })
const provider = fc.record({ reserved: amount, authorized: amount, claimed: amount })
const facts = fc.record({ wallet: amount, free: amount, providers: fc.array(provider, { maxLength: 20 }) })

test('every unit is in one place and none in two', () => {
  fc.assert(
    fc.property(facts, given => {
      const found = whereIsMyMoney(given)
      const { wallet, escrow, free, reserved, owed, refundable, total, uncovered } = found
      expect(escrow).toBe(free + reserved)
      expect(escrow).toBe(owed + refundable)
      expect(total).toBe(wallet + owed + refundable)
      expect(total).toBe(given.wallet + given.free + given.providers.reduce((sum, each) => sum + each.reserved, 0n))
      for (const part of Object.values(found)) expect(part).toBeGreaterThanOrEqual(0n)
      const due = given.providers.reduce((sum, { authorized: a, claimed: c }) => sum + (a > c ? a - c : 0n), 0n)
      expect(owed + uncovered).toBe(due)
    }),
  )
})

test('a claim moves what is owed to what is claimed, and nothing else', () => {
  fc.assert(
    fc.property(facts, fc.nat(), (given, pick) => {
      fc.pre(given.providers.length > 0)
      const at = pick % given.providers.length
      const { reserved, authorized, claimed } = given.providers[at]!
      // As the contract pays: from the reservation first, then from what is free.
      const due = authorized > claimed ? authorized - claimed : 0n
      const fromReserved = due < reserved ? due : reserved
      const fromFree = due - fromReserved < given.free ? due - fromReserved : given.free
      const paid = fromReserved + fromFree
      const after = { reserved: reserved - fromReserved, authorized, claimed: claimed + paid }
      const providers = given.providers.with(at, after)
      const before = whereIsMyMoney(given)
      const then = whereIsMyMoney({ ...given, free: given.free - fromFree, providers })
      expect(then.total).toBe(before.total - paid)
      expect(then.claimed).toBe(before.claimed + paid)
      expect(then.refundable).toBe(before.refundable)
      expect(then.owed).toBe(before.owed - paid)
    }),
  )
})

test('a reservation is for its provider alone', () => {
  const providers = [
    { reserved: 10n, authorized: 4n, claimed: 0n },
    { reserved: 0n, authorized: 9n, claimed: 2n },
  ]
  expect(whereIsMyMoney({ wallet: 1n, free: 5n, providers })).toEqual({
    ...{ wallet: 1n, escrow: 15n, free: 5n, reserved: 10n },
    ...{ owed: 9n, refundable: 6n, total: 16n, claimed: 2n, uncovered: 2n },
  })
})
