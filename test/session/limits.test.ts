import { afterEach, expect, test } from 'vitest'
import { createSigner } from '../../src/chain/index.ts'
import type { Address, Principal } from '../../src/core/index.ts'
import { encodeVoucherHeader, type TillLimits } from '../../src/session/index.ts'
import { signedHello, signedVoucher } from './messages.ts'
import {
  contextOf,
  createStage,
  drain,
  providerKey,
  question,
  questionPrice,
  type Stage,
  type StageOptions,
  userPeerId,
} from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

function play(options: StageOptions = {}): Stage {
  stage = createStage(options)
  return stage
}

const soon = () => AbortSignal.timeout(5_000)
const refused = (code: string) => expect.objectContaining({ code })
const invented = (digit: number): Address => `0x${String(digit).padStart(40, '0')}`

const credits: [reserved: bigint, softCredit: bigint, free: bigint, most: bigint][] = [
  [0n, 500n, 1_000_000n, 500n],
  [300n, 500n, 1_000_000n, 800n],
  [300n, 500n, 100n, 400n],
  [300n, 0n, 1_000_000n, 300n],
]

test.each(credits)('%d reserved, a soft credit of %d and %d free are worth vouchers up to %d', async (...row) => {
  const [reserved, softCredit, free, most] = row
  const { till, escrow } = play({ till: { limits: { softCredit } } })
  escrow.state = { ...escrow.state, reserved, free }
  const held = { voucher: signedVoucher({ cumulative: most + 1n }) }
  await expect(till.open(signedHello(), userPeerId, soon(), held)).rejects.toThrow(refused('insufficient_funds'))
  const { session, covered } = await till.open(signedHello(), userPeerId, soon())
  expect(covered).toBe(most)
  const above = signedVoucher({ cumulative: most + 1n })
  await expect(till.voucher(session, above, soon())).rejects.toThrow(refused('insufficient_funds'))
  const headers = { 'parley-session': session, 'parley-voucher': encodeVoucherHeader(above) }
  const context = contextOf({ headers, principal: { kind: 'peer', id: userPeerId } })
  await expect(till.begin(question, context)).rejects.toThrow(refused('insufficient_funds'))
  expect(await till.voucher(session, signedVoucher({ cumulative: most }), soon())).toBe(most)
})

test('a payer that spends all it is credited gets no answer beyond it, until a claim or a reservation makes room', async () => {
  let now = 0
  const softCredit = 500n
  const clock = { now: () => Date.now(), monotonic: () => now }
  const { user, purse, escrow, providerLedger } = play({ clock, till: { limits: { softCredit } } })
  const spend = async () => {
    for (let calls = 0; calls < 50; calls++) {
      try {
        await drain(user.run(question, contextOf()))
      } catch (cause) {
        return expect(cause).toEqual(refused('insufficient_funds'))
      } finally {
        await purse.flush(soon())
        now += 1_001
      }
    }
    throw new Error('it was never refused')
  }
  await spend()
  const { authorized } = providerLedger.channel(providerKey)!
  expect(authorized).toBeLessThanOrEqual(softCredit)
  escrow.state = { ...escrow.state, claimed: authorized, reserved: 100n }
  await spend()
  const now2 = providerLedger.channel(providerKey)!
  expect(now2.authorized).toBeGreaterThan(authorized)
  expect(now2.authorized).toBeLessThanOrEqual(authorized + 100n + softCredit)
  expect(now2.charged).toBeLessThanOrEqual(now2.authorized + 640n)
})

test('a peer says ten hellos at once and then one in five seconds; others are heard meanwhile', async () => {
  let now = 0
  const { till, escrow } = play({ clock: { now: () => Date.now(), monotonic: () => now } })
  const stranger = createSigner(`0x${'44'.repeat(32)}`)
  let said = 0
  const hello = (peerId = userPeerId) => {
    said++
    return till.open(signedHello({ payer: invented(said), peerId }, stranger), peerId, soon())
  }
  for (let i = 0; i < 10; i++) await expect(hello()).rejects.toThrow(refused('payment_invalid'))
  const { reads } = escrow
  for (let i = 0; i < 20; i++) {
    await expect(hello()).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 5 })
  }
  expect(escrow.reads).toBe(reads)
  await expect(hello('12D3KooWOther')).rejects.toThrow(refused('payment_invalid'))
  now += 4_000
  await expect(hello()).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 1 })
  now += 1_000
  await expect(hello()).rejects.toThrow(refused('payment_invalid'))
  await expect(hello()).rejects.toThrow(refused('rate_limited'))
  now += 3_600_000
  for (let i = 0; i < 10; i++) await expect(hello()).rejects.toThrow(refused('payment_invalid'))
  await expect(hello()).rejects.toThrow(refused('rate_limited'))
})

test('an account without money is read once in two seconds, however often its payer asks', async () => {
  let now = 0
  const limits: Partial<TillLimits> = { helloBurst: 1_000 }
  const { till, escrow } = play({ clock: { now: () => Date.now(), monotonic: () => now }, till: { limits } })
  const hello = () => till.open(signedHello(), userPeerId, soon())
  escrow.state = { ...escrow.state, free: 0n }
  await expect(hello()).rejects.toThrow(refused('insufficient_funds'))
  const { reads } = escrow
  for (let i = 0; i < 4; i++) {
    now += 500
    await expect(hello()).rejects.toThrow(refused('insufficient_funds'))
  }
  expect(escrow.reads).toBe(reads)
  escrow.state = { ...escrow.state, free: 1_000n }
  now += 1
  expect(await hello()).toMatchObject({ covered: 1_000n })
})

const byKey = (caps: Record<string, bigint>) => (principal: Principal) =>
  principal.kind === 'key' ? caps[principal.id] : undefined
const key = (id: string) => contextOf({ principal: { kind: 'key', id } })

test('a cap of one key holds over restarts, and is no other key’s', async () => {
  const limits = { perPrincipalDay: byKey({ small: 150n, none: 0n }) }
  const { purse, restartUser } = play({ purse: { limits } })
  const ask = (id: string) => drain(stage.user.run(question, key(id)))
  const spent = (id: string) => stage.userLedger.spentSince('user', 0, `key:${id}`)
  await expect(ask('none')).rejects.toThrow(refused('spending_cap'))
  expect(stage.backend.calls).toBe(0)
  for (let i = 0; i < 2; i++) await ask('small')
  await expect(ask('small')).rejects.toThrow(refused('spending_cap'))
  await purse.flush(soon())
  restartUser()
  for (const id of ['small', 'none']) await expect(ask(id)).rejects.toThrow(refused('spending_cap'))
  for (let i = 0; i < 3; i++) await ask('large')
  await drain(stage.user.run(question, contextOf({ principal: { kind: 'self', id: 'small' } })))
  expect(spent('small')).toBe(140n)
  expect(spent('large')).toBe(210n)
})

test('parallel calls of one key get no further than its cap has room for their prompts', async () => {
  play({ purse: { limits: { perPrincipalDay: byKey({ small: 5n * questionPrice }) } } })
  const ask = () => drain(stage.user.run(question, key('small')))
  const together = await Promise.allSettled(Array.from({ length: 8 }, ask))
  const failures = together.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  expect(failures).toEqual(Array(3).fill(refused('spending_cap')))
  expect(stage.backend.calls).toBe(5)
  await expect(ask()).rejects.toThrow(refused('spending_cap'))
})

test('a long answer ends within a window of the cap of its key', async () => {
  const limits = { perPrincipalDay: byKey({ small: 2_000n }) }
  const { user, purse, userLedger } = play({ purse: { limits }, speech: () => ({ tokens: 1_000 }) })
  await expect(drain(user.run(question, key('small')))).rejects.toThrow(refused('spending_cap'))
  await purse.flush(soon())
  expect(userLedger.spentSince('user', 0, 'key:small')).toBeGreaterThan(questionPrice)
  expect(userLedger.spentSince('user', 0, 'key:small')).toBeLessThanOrEqual(2_000n + 640n)
})
