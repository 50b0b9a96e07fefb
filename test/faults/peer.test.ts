import { describe, expect, test } from 'vitest'
import { words } from '../faulty-upstream.ts'
import { channelOf, until } from '../node/market.ts'
import { hitsOf, promptOf } from './asking.ts'
import { earlyFaults, lateAfterUsage, lateFaults, quirks } from './faults.ts'
import { openPeerStage, priceIn, priceOut } from './stage.ts'
import { faultSuite } from './suite.ts'

const { stage, seen } = faultSuite(openPeerStage, [...lateFaults, ...lateAfterUsage])

/** What the user booked for a call: of each of its requests to the provider the newest receipt. */
function chargeOf(call: { readonly id: string }): bigint {
  const charges = new Map<string, bigint>()
  for (const event of stage().eventsOf(call)) {
    if (event.type === 'receipt.taken') charges.set(event.requestId, event.charge)
  }
  return [...charges.values()].reduce((sum, charge) => sum + charge, 0n)
}

/** By the rule that both nodes share: a quarter of the bytes, and 8 for the message. */
function promptPrice({ id }: { readonly id: string }): bigint {
  return BigInt(Math.ceil(Buffer.byteLength(promptOf(id)) / 4) + 8) * priceIn
}

const wordsPrice = BigInt(words.length) * priceOut

describe('each bill is right', () => {
  test.each(earlyFaults)('$model: nothing arrived, nothing is charged', fault => {
    const { alone, whole, second, continued } = seen(fault)
    expect([alone, whole, second, continued].map(chargeOf)).toEqual([0n, 0n, 0n, 0n])
  })

  test.each(lateFaults)(
    '$model: the prompt and the words that arrived, and what another said is not on the bill',
    async fault => {
      for (const heard of Object.values(seen(fault))) {
        const expected = promptPrice(heard) + wordsPrice
        await until(() => chargeOf(heard) > 0n, 'the receipt is fetched')
        expect([heard.id, chargeOf(heard)]).toEqual([heard.id, expected])
      }
    },
  )

  test.each(quirks)('$model: what the upstream counted, or else what both nodes count', fault => {
    for (const heard of Object.values(seen(fault))) {
      const { usage } = fault
      const counted = usage && BigInt(usage.prompt_tokens) * priceIn + BigInt(usage.completion_tokens) * priceOut
      expect(chargeOf(heard)).toBe(counted ?? promptPrice(heard) + wordsPrice)
    }
  })

  test('the books of both are level, and hold these bills and no other', async () => {
    const { market, events, faulty } = stage()
    const paid = () => channelOf(market.user.home, 'user')!
    const earned = () => channelOf(market.provider.home, 'provider')!
    await until(() => paid().charged === earned().charged && paid().authorized === earned().authorized, 'level books')
    const bills = new Map<string, bigint>()
    for (const event of events) if (event.type === 'receipt.issued') bills.set(event.requestId, event.charge)
    expect([...bills.values()].reduce((sum, charge) => sum + charge, 0n)).toBe(paid().charged)
    expect(paid().authorized).toBeGreaterThanOrEqual(paid().charged)
    expect(paid().authorized - paid().charged).toBeLessThanOrEqual(promptPrice({ id: 'fault-000001' }))
    // Nobody was asked for nothing: whoever is on a bill was asked.
    expect(bills.size).toBeLessThanOrEqual(faulty.hits.length)
    expect(market.user.node.status().providers[0]).toMatchObject({ error: null })
  })

  test('of the best of several answers there is none: the app is told why before anybody is asked', async () => {
    const { nodes, faulty, target } = stage()
    const [{ url, firstKey }] = nodes as [(typeof nodes)[number]]
    const asked = faulty.hits.length
    const complete = (provider: unknown) =>
      fetch(`${url}/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${firstKey}` },
        body: JSON.stringify({ model: 'well', prompt: 'say', best_of: 3, provider }),
      })
    const alone = await complete(target)
    expect(alone.status).toBe(501)
    expect(await alone.json()).toMatchObject({ error: { code: 'unsupported', param: 'best_of' } })
    const other = await complete({ order: [target, 'backup'], only: [target, 'backup'] })
    expect([other.status, other.headers.get('x-parley-provider')]).toEqual([200, 'backup'])
    await other.text()
    expect(faulty.hits.length).toBe(asked)
  })

  test('an app that left pays for its prompt and what it heard', async () => {
    const { faulty, eventsOf } = stage()
    const left = faulty.hits
      .filter(({ leftAt }) => leftAt !== undefined)
      .map(({ raw }) => /fault-\d+/.exec(raw.toString())![0])
    const cancelled = left.filter(id =>
      eventsOf({ id }).some(event => event.type === 'call.failed' && event.code === 'cancelled'),
    )
    expect(cancelled).toHaveLength(4)
    for (const id of cancelled) {
      await until(() => chargeOf({ id }) > 0n, 'the receipt is fetched')
      const [hit] = hitsOf(faulty.hits, { id })
      const isSpeaking = hit!.body.model === 'late-hang'
      expect(chargeOf({ id })).toBe(promptPrice({ id }) + (isSpeaking ? wordsPrice : 0n))
    }
  })
})
