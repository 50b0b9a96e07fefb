import { expect, onTestFinished, test } from 'vitest'
import { contextOf, createStage, drain, offer, providerKey, question, userKey } from './stage.ts'

test('of many totals that are asked for while a voucher is under way, one is signed', async () => {
  let sent = 0
  const stage = createStage({
    offer: { ...offer, windowTokens: 16 },
    speech: () => ({ tokens: 200, before: () => new Promise(resolve => setImmediate(resolve)) }),
    tamperDesk: desk => ({
      ...desk,
      voucher: async (...given) => {
        sent++
        await new Promise(resolve => setTimeout(resolve, 10))
        return await desk.voucher(...given)
      },
    }),
  })
  onTestFinished(stage.close)
  const streams = Array.from({ length: 8 }, () => drain(stage.user.run(question, contextOf())))
  const heard = await Promise.all(streams)
  await stage.purse.flush(AbortSignal.timeout(5_000))
  const signed = stage.events().filter(({ type }) => type === 'voucher.given').length
  // What is signed and not sent goes with the start of a call, in its header, or when it is asked for more before it begins.
  expect(signed).toBeLessThanOrEqual(sent + 2 * streams.length)
  expect(heard.every(({ chunks }) => chunks.length === 201)).toBe(true)
  const own = stage.userLedger.channel(userKey)!
  const theirs = stage.providerLedger.channel(providerKey)!
  expect([own.charged, own.authorized]).toEqual([theirs.charged, theirs.authorized])
})
