import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { type CashDesk, ParleyError, sessionHeader } from '../../src/core/index.ts'
import { Chunk } from '../../src/openai/index.ts'
import { signedHello, signedVoucher } from './messages.ts'
import {
  contextOf,
  createStage,
  drain,
  offer,
  providerKey,
  question,
  type Stage,
  type StageOptions,
  userKey,
  userPeerId,
} from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

function play(options: StageOptions): Stage {
  stage = createStage(options)
  return stage
}

const soon = () => AbortSignal.timeout(5_000)
const tick = () => new Promise<void>(resolve => setImmediate(resolve))

/** Vouchers that are sent beside an answer do not arrive, so often. */
function losing(times: number, how: 'fails' | 'hangs') {
  let lost = 0
  const tamperDesk = (desk: CashDesk): CashDesk => ({
    ...desk,
    voucher: async (session, voucher, signal) => {
      if (++lost > times) return await desk.voucher(session, voucher, signal)
      if (how === 'fails') throw new ParleyError('peer_unreachable', 'the line is down')
      return await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(ParleyError.from(signal.reason, signal)))
      })
    },
  })
  return { tamperDesk, lost: () => Math.min(lost, times) }
}

test.each(['fails', 'hangs'] as const)(
  'an answer that waits for a voucher goes on when the line that %s is back',
  async how => {
    const { tamperDesk, lost } = losing(3, how)
    const { user, purse } = play({
      tamperDesk,
      speech: () => ({ tokens: 400, before: tick }),
      purse: { timeoutMs: 150 },
      till: { limits: { voucherTimeoutMs: 5_000 } },
    })
    const { chunks } = await drain(user.run(question, contextOf()))
    expect(chunks.length).toBeGreaterThan(400)
    expect(lost()).toBe(3)
    await purse.flush(soon())
    const [own, theirs] = [stage.userLedger.channel(userKey)!, stage.providerLedger.channel(providerKey)!]
    expect([own.charged, own.authorized]).toEqual([theirs.charged, theirs.authorized])
    expect(stage.mismatches).toEqual([])
  },
)

test('a voucher that does not arrive is not brought again when nobody waits for it', async () => {
  const { tamperDesk, lost } = losing(1_000, 'fails')
  const { user } = play({ tamperDesk })
  await drain(user.run(question, contextOf()))
  await sleep(100)
  const before = lost()
  await sleep(700)
  expect(lost()).toBe(before)
})

test('an answer that waits asks again when its voucher came and its window has shrunk meanwhile', async () => {
  const wide = { ...offer, windowTokens: 1_024 }
  const { till } = play({ till: { offers: () => [wide], limits: { voucherTimeoutMs: 1_000 } } })
  const { session } = await till.open(signedHello(), userPeerId, soon())
  const pay = (cumulative: bigint) => till.voucher(session, signedVoucher({ cumulative }), soon())
  const begin = async () => {
    const headers = { [sessionHeader]: session }
    const { running } = await till.begin(question, contextOf({ headers, principal: { kind: 'peer', id: userPeerId } }))
    running.begin()
    return running
  }
  const words = (outputTokens: number) =>
    Chunk.of({ choices: [{ index: 0, delta: { content: 'a' } }] }, { outputTokens })
  await pay(1_000n)
  const trusted = await begin()
  for (let receipts = 0; receipts < 6; receipts++) trusted.receipt()
  const long = await begin()
  long.count(words(1_200))
  const asked = long.due()!
  const paid = long.untilPaid(asked, soon())
  const left = await begin()
  left.stop('cancelled')
  await pay(asked)
  await paid
  // Half of the window is left to a payer that owes more than it paid, and so more is due.
  const again = long.due()!
  expect(again).toBeGreaterThan(asked)
  await pay(again)
  expect(long.due()).toBeUndefined()
})
