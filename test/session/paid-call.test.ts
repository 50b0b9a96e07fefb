import { afterEach, expect, test } from 'vitest'
import type { Context } from '../../src/core/index.ts'
import { chargeFor, ParleyError } from '../../src/core/index.ts'
import { Chunk } from '../../src/openai/index.ts'
import { charging, encodeVoucherHeader, verifySigner } from '../../src/session/index.ts'
import { signedHello, signedVoucher } from './messages.ts'
import {
  contextOf,
  createStage,
  drain,
  notary,
  offer,
  provider,
  providerKey,
  providerSigner,
  question,
  questionPrice,
  receiptOf,
  type Stage,
  type StageOptions,
  tampering,
  userKey,
} from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

function play(options: StageOptions = {}): Stage {
  stage = createStage(options)
  return stage
}

const soon = () => AbortSignal.timeout(5_000)
const failed = (code: string) => expect.objectContaining({ code })

test('a paid call streams its answer, costs what the quote says, and leaves both books equal', async () => {
  const { user, purse } = play({ speech: () => ({ tokens: 5, promptTokens: 10 }) })
  const { chunks, outcome } = await drain(user.run(question, contextOf()))
  expect(chunks.map(chunk => chunk.event)).toEqual(Array(6).fill(undefined))
  expect(outcome.cost).toBe(chargeFor(offer, { in: 10, cached: 0, out: 5 }))
  expect(outcome.receipt?.message).toMatchObject({ tokensIn: 10n, tokensOut: 5n, charge: 70n, cumulative: 70n })
  verifySigner(outcome.receipt!, notary, providerSigner.address)
  await purse.flush(soon())
  const own = stage.userLedger.channel(userKey)!
  const theirs = stage.providerLedger.channel(providerKey)!
  expect(own.charged).toBe(70n)
  expect({ ...own, key: undefined }).toEqual({ ...theirs, key: undefined })
  expect(own.authorized - own.charged).toBeLessThanOrEqual(640n + questionPrice)
})

test('nothing is asked of the backend before the prompt is paid', async () => {
  const { till, backend } = play()
  const { session } = await openByHand()
  const context = contextOf({ headers: { 'parley-session': session }, principal: peerOf() })
  const { drainCharged } = chargedBy(stage)
  await expect(drainCharged(context)).rejects.toMatchObject({
    code: 'need_voucher',
    details: { cumulative: String(questionPrice), accepted: '0' },
  })
  expect(backend.calls).toBe(0)
  expect(till.isFree(peerOf())).toBe(false)
})

test('a call without a session is told that the provider is paid, one with a wrong session that it is unknown', async () => {
  play()
  const { drainCharged } = chargedBy(stage)
  await expect(drainCharged(contextOf({ principal: peerOf() }))).rejects.toThrow(failed('payment_required'))
  const headers = { 'parley-session': `0x${'00'.repeat(32)}` }
  await expect(drainCharged(contextOf({ principal: peerOf(), headers }))).rejects.toThrow(failed('session_unknown'))
  const { session } = await openByHand()
  const stolen = contextOf({ principal: { kind: 'peer', id: 'somebody' }, headers: { 'parley-session': session } })
  await expect(drainCharged(stolen)).rejects.toThrow(failed('session_unknown'))
})

test('the second small call needs no signature on its path', async () => {
  const { user, purse, events } = play()
  await drain(user.run(question, contextOf()))
  await new Promise(settled => setImmediate(settled))
  await purse.flush(soon())
  const signed = () => events().filter(event => event.type === 'voucher.given').length
  const before = signed()
  const reply = user.run(question, contextOf())
  await reply.next()
  expect(signed()).toBe(before)
  await drain(reply)
})

test('a long answer is paid window by window, and the stream never asks', async () => {
  const { user, events, backend } = play({ speech: () => ({ tokens: 1_000, promptTokens: 10 }) })
  const { chunks, outcome } = await drain(user.run(question, contextOf()))
  expect(chunks).toHaveLength(1_001)
  expect(outcome.cost).toBe(10_020n)
  expect(backend.calls).toBe(1)
  expect(events().filter(event => event.type === 'receipt.taken').length).toBeGreaterThanOrEqual(1_000 / 32)
  expect(stage.mismatches).toEqual([])
})

test('a user that stops paying gets one window and no more', async () => {
  let isSilent = false
  const { user } = play({
    speech: () => ({ tokens: 1_000 }),
    till: { limits: { voucherTimeoutMs: 100 } },
    tamperDesk: desk => ({
      ...desk,
      voucher: (session, voucher, signal) =>
        isSilent ? Promise.reject(new ParleyError('peer_unreachable', 'gone')) : desk.voucher(session, voucher, signal),
    }),
  })
  isSilent = true
  const got: Chunk[] = []
  const run = async () => {
    for await (const chunk of user.run(question, contextOf())) got.push(chunk)
  }
  await expect(run()).rejects.toThrow(failed('need_voucher'))
  const { authorized, charged } = stage.providerLedger.channel(providerKey)!
  expect(charged - authorized).toBeLessThanOrEqual(640n)
  expect(got.length).toBeLessThanOrEqual(130)
})

test('a prompt dearer than the estimate is paid before its first word', async () => {
  const { user } = play({ speech: () => ({ tokens: 3, promptTokens: 60, knowsTokens: true }) })
  const { outcome } = await drain(user.run(question, contextOf()))
  expect(outcome.receipt?.message.tokensIn).toBe(60n)
  expect(outcome.cost).toBe(150n)
})

test('a prompt that cannot have so many tokens is refused, and nothing more is paid', async () => {
  const { user, purse } = play({ speech: () => ({ tokens: 3, promptTokens: 100_000, knowsTokens: true }) })
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('payment_mismatch'))
  await purse.flush(soon())
  expect(stage.mismatches).toHaveLength(1)
  expect(stage.userLedger.channel(userKey)!.authorized).toBeLessThanOrEqual(questionPrice + 640n)
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('payment_mismatch'))
})

test('a provider that counts more words than arrived is not paid for them', async () => {
  const { user } = play({ speech: () => ({ tokens: 5, usageOut: 5_000 }) })
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('payment_mismatch'))
  expect(stage.userLedger.channel(userKey)!.charged).toBe(0n)
})

test('a final receipt above the usage the answer reported is refused', async () => {
  const { user } = play({
    tamper: tampering(chunk => {
      const usage = chunk.usage()
      if (usage === undefined) return chunk
      return Chunk.of({ choices: [], usage: { ...usage, completion_tokens: 4, total_tokens: 14 } })
    }),
  })
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('payment_mismatch'))
})

test('a receipt signed by another key is refused', async () => {
  const { user } = play({
    tamper: tampering(chunk => {
      if (chunk.event !== 'parley.receipt') return chunk
      const { message } = chunk.json() as { message: Record<string, string> }
      const digest = `0x${'5'.repeat(64)}` as const
      return Chunk.message('parley.receipt', { message, signature: providerSigner.sign(digest) })
    }),
  })
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('receipt_invalid'))
  expect(stage.userLedger.channel(userKey)!.charged).toBe(0n)
})

test('an answer whose final receipt is lost ends well, and the receipt is fetched afterwards', async () => {
  let isLossy = true
  const { user, purse } = play({
    tamper: tampering(chunk => (isLossy && chunk.event === 'parley.receipt' ? undefined : chunk)),
  })
  const context = contextOf()
  const { outcome } = await drain(user.run(question, context))
  expect(outcome.receipt).toBeUndefined()
  await purse.flush(soon())
  expect(receiptOf(stage, context)?.message.finishReason).toBe('stop')
  expect(stage.userLedger.channel(userKey)!.charged).toBe(stage.providerLedger.channel(providerKey)!.charged)
  isLossy = false
  expect((await drain(user.run(question, contextOf()))).outcome.receipt).toBeDefined()
})

test('a user that leaves pays for what was delivered, and learns it later', async () => {
  const leaving = new AbortController()
  const { user, purse } = play({ speech: () => ({ tokens: 1_000, before: tick }) })
  const context = contextOf({ signal: leaving.signal })
  const reply = user.run(question, context)
  for (let i = 0; i < 20; i++) await reply.next()
  leaving.abort()
  await expect(drain(reply)).rejects.toThrow(failed('cancelled'))
  await purse.flush(soon())
  const receipt = receiptOf(stage, context)
  expect(receipt?.message).toMatchObject({ finishReason: 'cancelled', tokensOut: 20n })
  expect(stage.userLedger.channel(userKey)!.charged).toBe(stage.providerLedger.channel(providerKey)!.charged)
})

test('a backend that fails before its first word costs nothing', async () => {
  const { user, purse } = play({
    speech: () => ({ tokens: 1, before: () => Promise.reject(new ParleyError('model_failed', 'it broke')) }),
  })
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('model_failed'))
  await purse.flush(soon())
  expect(stage.providerLedger.channel(providerKey)?.charged ?? 0n).toBe(0n)
})

test('parallel calls share one counter and their receipts add up', async () => {
  const { user, purse } = play({ speech: () => ({ tokens: 100, before: tick }) })
  const answers = await Promise.all(Array.from({ length: 6 }, () => drain(user.run(question, contextOf()))))
  await purse.flush(soon())
  const sum = answers.reduce((total, { outcome }) => total + outcome.cost!, 0n)
  expect(sum).toBe(6n * 1_020n)
  expect(stage.userLedger.channel(userKey)!.charged).toBe(sum)
  expect(stage.providerLedger.channel(providerKey)).toMatchObject({ charged: sum })
  expect(stage.mismatches).toEqual([])
})

test('more calls than the quote allows are turned away before work', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { user } = play({
    speech: () => ({ tokens: 1, before: () => promise }),
    till: { offers: () => [{ ...offer, concurrency: 1 }] },
  })
  const first = drain(user.run(question, contextOf()))
  const second = user.run(question, contextOf())
  await tick()
  await expect(drain(second)).rejects.toThrow(failed('overloaded'))
  resolve()
  await first
})

test('the receipt of a call that was cut is booked to its own principal when the session opens anew', async () => {
  let isCut = false
  const { user, purse, restartProvider } = play({ speech: () => ({ tokens: 100, before: tick }), isCut: () => isCut })
  const context = contextOf()
  const reply = user.run(question, context)
  for (let i = 0; i < 20; i++) await reply.next()
  isCut = true
  await expect(drain(reply)).rejects.toThrow(failed('stream_cut'))
  restartProvider()
  isCut = false
  await drain(user.run(question, contextOf({ principal: { kind: 'key', id: 'key-2' } })))
  await purse.flush(soon())
  const receipt = receiptOf(stage, context)
  expect(stage.userLedger.spentSince('user', 0, 'key:key-1')).toBe(receipt!.message.charge)
  expect(stage.userLedger.spentSince('user', 0, 'key:key-2')).toBe(1_020n)
  expect(stage.userLedger.spentSince('user', 0)).toBe(stage.providerLedger.channel(providerKey)!.charged)
})

test('what cannot be written to disk is not accepted, and no work begins', async () => {
  const { user, backend } = play({
    wrapLedger: (side, ledger) =>
      side === 'user'
        ? ledger
        : {
            ...ledger,
            authorize: () => {
              throw new ParleyError('disk_full', 'no room')
            },
          },
  })
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('disk_full'))
  expect(backend.calls).toBe(0)
})

test('a voucher that turns out bad after the call began ends the call with its error', async () => {
  play({ speech: () => ({ tokens: 1_000, before: tick }) })
  const { session } = await openByHand()
  await stage.till.voucher(session, signedVoucher({ cumulative: 1_000n }), soon())
  const forged = { ...signedVoucher({ cumulative: 2_000n }), signature: signedVoucher({ cumulative: 1n }).signature }
  const headers = { 'parley-session': session, 'parley-voucher': encodeVoucherHeader(forged) }
  const { drainCharged } = chargedBy(stage)
  await expect(drainCharged(contextOf({ headers, principal: peerOf() }))).rejects.toThrow(failed('voucher_signature'))
  expect(stage.backend.calls).toBe(1)
  expect(stage.providerLedger.channel(providerKey)?.authorized).toBe(1_000n)
})

test('the free rail carries no money at all', async () => {
  const { user, till } = play({ till: { rail: 'free' } })
  const { outcome } = await drain(user.run(question, contextOf()))
  expect(outcome).not.toHaveProperty('cost')
  expect(till.isFree(peerOf())).toBe(true)
  expect(stage.userLedger.channels('user')).toEqual([])
})

test('an embedding is charged for its input only', async () => {
  const { user } = play()
  const call = { task: 'embedding', body: { model: 'nano', input: 'hello there' } } as const
  const { outcome } = await drain(user.run(call, contextOf()))
  expect(outcome.receipt?.message.tokensOut).toBe(0n)
})

test('a cap is hit before any money moves', async () => {
  const { user } = play({ purse: { limits: { perDay: 29n } } })
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('spending_cap'))
  expect(stage.userLedger.channels('user')).toEqual([])
  expect(stage.backend.calls).toBe(0)
})

test('a cap counts what was spent, per principal and in all', async () => {
  const cap = (principal: { id: string }) => (principal.id === 'key-1' ? 99n : undefined)
  const { user } = play({ purse: { limits: { perHour: 10_000n, perPrincipalDay: cap } } })
  await drain(user.run(question, contextOf()))
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('spending_cap'))
  await drain(user.run(question, contextOf({ principal: { kind: 'key', id: 'key-2' } })))
})

test('a call that costs more than its caller allows is refused, one that might is told to be short', async () => {
  let asked: unknown
  const { user } = play({
    tamper: stack => ({
      ...stack,
      run: (call, context) => {
        asked = call.body
        return stack.run(call, context)
      },
    }),
  })
  await expect(drain(user.run(question, contextOf({ maxPrice: 29n })))).rejects.toThrow(failed('price_too_high'))
  expect(asked).toBeUndefined()
  await drain(user.run(question, contextOf({ maxPrice: 100n })))
  expect(asked).toMatchObject({ max_tokens: 7 })
})

test('an empty escrow account and one about to be withdrawn open no session', async () => {
  const { user, escrow } = play()
  escrow.state = { ...escrow.state, free: 0n }
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('insufficient_funds'))
  escrow.state = { ...escrow.state, free: 1_000n, exitReadyAt: BigInt(Math.floor(Date.now() / 1_000) + 60) }
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('insufficient_funds'))
})

test('a voucher beyond what the escrow covers is refused, and accepted after a deposit', async () => {
  let now = 0
  const clock = { now: () => Date.now(), monotonic: () => now }
  const { user, escrow } = play({ clock })
  escrow.state = { ...escrow.state, free: questionPrice - 1n }
  await expect(drain(user.run(question, contextOf()))).rejects.toThrow(failed('insufficient_funds'))
  escrow.state = { ...escrow.state, free: 10_000n }
  now += 2_000
  await drain(user.run(question, contextOf()))
})

test('no call waits for the chain, and open sessions go on while it is away', async () => {
  const { user, escrow } = play()
  await drain(user.run(question, contextOf()))
  const { reads } = escrow
  escrow.isDown = true
  for (let i = 0; i < 5; i++) await drain(user.run(question, contextOf()))
  expect(escrow.reads).toBe(reads)
})

test('the chain decides: another session key or epoch ends the session', async () => {
  let now = 0
  const { user, escrow } = play({
    clock: { now: () => Date.now(), monotonic: () => now },
    till: { limits: { escrowRefreshMs: 10 } },
    purse: {},
  })
  await drain(user.run(question, contextOf()))
  escrow.state = { ...escrow.state, epoch: 1n }
  now += 100
  await drain(user.run(question, contextOf()))
  await stage.purse.flush(soon())
  await tick()
  const { outcome } = await drain(user.run(question, contextOf()))
  expect(outcome.receipt).toBeDefined()
  await stage.purse.flush(soon())
  expect(stage.userLedger.channels('user').map(channel => channel.key.epoch)).toEqual([0n, 1n])
})

test('a quote that ran out is fetched again without the app noticing', async () => {
  let isForgetful = false
  const { user } = play({
    tamper: stack => ({
      ...stack,
      run: async function* (call, context) {
        if (isForgetful) {
          isForgetful = false
          throw new ParleyError('quote_expired', 'too old')
        }
        return yield* stack.run(call, context)
      },
    }),
  })
  await drain(user.run(question, contextOf()))
  isForgetful = true
  await drain(user.run(question, contextOf()))
  expect(isForgetful).toBe(false)
})

const peerOf = () => ({ kind: 'peer', id: '12D3KooWUser' }) as const
const tick = () => new Promise<void>(resolve => setImmediate(resolve))

function chargedBy({ till, backend }: Stage) {
  return {
    drainCharged: async (context: Context) => {
      return drain(charging(till)(backend).run(question, context))
    },
  }
}

async function openByHand() {
  return stage.desk.open(signedHello({ provider }), '12D3KooWUser', soon())
}
