import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChannelKey, Ledger } from '../../src/core/index.ts'
import { ParleyError } from '../../src/core/index.ts'
import { contextOf, createStage, drain, providerKey, question, questionPrice, type Stage, userKey } from './stage.ts'

const windowPrice = 640n
const tokenPrice = 10n

type Side = ChannelKey['side']

/** A ledger whose process dies at a chosen write, right before it or right after it. */
interface Doom {
  side: Side
  writes: number
  isAfter: boolean
}

class Crashes {
  doom: Doom | undefined
  readonly dead = new Set<Side>()

  wrap = (side: Side, ledger: Ledger): Ledger => {
    const write = <A extends unknown[]>(work: (...args: A) => void) => {
      return (...args: A) => {
        this.#live(side)
        const isNow = this.doom?.side === side && --this.doom.writes <= 0
        if (isNow && this.doom?.isAfter === false) this.#die(side)
        work(...args)
        if (isNow) this.#die(side)
      }
    }
    return {
      ...ledger,
      channel: key => {
        this.#live(side)
        return ledger.channel(key)
      },
      authorize: write(ledger.authorize),
      charge: write(ledger.charge),
      settled: write(ledger.settled),
    }
  }

  #live(side: Side): void {
    if (this.dead.has(side)) throw new ParleyError('stopping', `the ${side} is dead`)
  }

  #die(side: Side): never {
    this.doom = undefined
    this.dead.add(side)
    throw new ParleyError('stopping', `the ${side} dies here`)
  }
}

type Step =
  | { kind: 'talk'; tokens: number[] }
  | { kind: 'leave'; after: number }
  | { kind: 'kill'; side: Side; after: number }
  | { kind: 'doom'; doom: Doom; tokens: number[] }

const tokens = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 3 })
const side = fc.constantFrom<Side>('user', 'provider')
const step: fc.Arbitrary<Step> = fc.oneof(
  tokens.map(tokens => ({ kind: 'talk', tokens }) as const),
  fc.nat(150).map(after => ({ kind: 'leave', after }) as const),
  fc.record({ kind: fc.constant('kill' as const), side, after: fc.nat(150) }),
  fc.record({
    kind: fc.constant('doom' as const),
    doom: fc.record({ side, writes: fc.integer({ min: 1, max: 8 }), isAfter: fc.boolean() }),
    tokens,
  }),
)

class History {
  readonly crashes = new Crashes()
  readonly stage: Stage
  #tokens: number[] = []
  #isLineCut = false
  calls = 0
  arrived = 0
  providerDeaths = 0
  #last = { user: { authorized: 0n, charged: 0n }, provider: { authorized: 0n, charged: 0n } }

  constructor() {
    this.stage = createStage({
      speech: () => ({ tokens: this.#tokens.shift() ?? 200, promptTokens: 15, before: () => tick() }),
      wrapLedger: this.crashes.wrap,
      isCut: () => this.#isLineCut || this.crashes.dead.size > 0,
    })
  }

  async play(step: Step): Promise<void> {
    if (step.kind === 'talk') await this.#talk(step.tokens)
    if (step.kind === 'leave') await this.#leave(step.after)
    if (step.kind === 'kill') await this.#kill(step.side, step.after)
    if (step.kind === 'doom') {
      this.crashes.doom = step.doom
      await this.#talk(step.tokens)
      this.crashes.doom = undefined
    }
    await this.#revive()
    this.#check()
  }

  /** After the last fault one quiet call must bring both books level. */
  async settle(): Promise<void> {
    this.#tokens = [3]
    const { outcome } = await drain(this.stage.user.run(question, contextOf()))
    expect(outcome.receipt).toBeDefined()
    this.calls++
    this.arrived += 3
    await this.stage.purse.flush(AbortSignal.timeout(5_000))
    this.#check()
    const own = this.stage.userLedger.channel(userKey)!
    const theirs = this.stage.providerLedger.channel(providerKey)!
    expect({ ...own, key: undefined }).toEqual({ ...theirs, key: undefined })
    expect(own.charged).toBeLessThanOrEqual(own.authorized)
  }

  async #talk(tokens: number[]): Promise<void> {
    this.#tokens = [...tokens]
    await Promise.allSettled(tokens.map(() => this.#listen(Number.POSITIVE_INFINITY)))
  }

  async #leave(after: number): Promise<void> {
    this.#tokens = [200]
    await this.#listen(after)
  }

  async #kill(victim: Side, after: number): Promise<void> {
    this.#tokens = [200]
    await this.#listen(after, () => {
      this.#isLineCut = true
      this.crashes.dead.add(victim)
    })
  }

  async #listen(most: number, then?: () => void): Promise<void> {
    this.calls++
    const reply = this.stage.user.run(question, contextOf())
    try {
      for (let got = 0; got < most; got++) {
        const next = await reply.next()
        if (next.done === true) return
        if (next.value.usage() === undefined) this.arrived++
      }
    } catch (cause) {
      expect(['stream_cut', 'peer_unreachable', 'stopping', 'cancelled']).toContain((cause as ParleyError).code)
    } finally {
      then?.()
      await reply.return(undefined as never).catch(() => undefined)
    }
  }

  async #revive(): Promise<void> {
    const dead = [...this.crashes.dead]
    if (dead.includes('provider')) this.providerDeaths++
    if (dead.includes('user')) this.stage.restartUser()
    if (dead.includes('provider')) this.stage.restartProvider()
    this.crashes.dead.clear()
    this.#isLineCut = false
    await tick()
  }

  #check(): void {
    const none = { authorized: 0n, charged: 0n }
    const own = this.stage.userLedger.channel(userKey) ?? none
    const theirs = this.stage.providerLedger.channel(providerKey) ?? none
    expect(own.authorized).toBeGreaterThanOrEqual(theirs.authorized)
    expect(theirs.charged).toBeGreaterThanOrEqual(own.charged)
    expect(own.authorized).toBeGreaterThanOrEqual(this.#last.user.authorized)
    expect(theirs.authorized).toBeGreaterThanOrEqual(this.#last.provider.authorized)
    expect(theirs.charged).toBeGreaterThanOrEqual(this.#last.provider.charged)
    expect(theirs.charged - theirs.authorized).toBeLessThanOrEqual(windowPrice)
    this.#last = { user: own, provider: theirs }
    const value = BigInt(this.arrived) * tokenPrice + BigInt(this.calls) * (questionPrice + tokenPrice)
    expect(own.authorized).toBeLessThanOrEqual(value + windowPrice)
    const lost = BigInt(this.providerDeaths) * 3n * windowPrice
    expect(theirs.charged + lost).toBeGreaterThanOrEqual(BigInt(this.arrived) * tokenPrice)
    const bad = this.stage.mismatches.filter(({ code }) => code !== 'stopping' && code !== 'internal')
    expect(bad.map(({ message }) => message)).toEqual([])
  }
}

test('whatever crashes, at whatever write: totals never fall, nobody risks more than a window, the books meet again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async steps => {
      const history = new History()
      try {
        for (const step of steps) await history.play(step)
        await history.settle()
      } finally {
        history.stage.close()
      }
    }),
    { numRuns: 60 },
  )
}, 120_000)

test('a provider that lost its disk is handed its own papers back', async () => {
  const stage = createStage({ speech: () => ({ tokens: 100 }) })
  await drain(stage.user.run(question, contextOf()))
  await stage.purse.flush(AbortSignal.timeout(5_000))
  const before = stage.userLedger.channel(userKey)!
  stage.restartProvider('lost')
  await drain(stage.user.run(question, contextOf()))
  await stage.purse.flush(AbortSignal.timeout(5_000))
  const theirs = stage.providerLedger.channel(providerKey)!
  expect(theirs.charged).toBe(before.charged + 1_020n)
  expect(theirs.authorized).toBeGreaterThanOrEqual(before.authorized)
  expect(stage.mismatches).toEqual([])
  stage.close()
})

test('a user that lost its disk, or restored an old one, never signs lower than it once did', async () => {
  const stage = createStage({ speech: () => ({ tokens: 100 }) })
  await drain(stage.user.run(question, contextOf()))
  await stage.purse.flush(AbortSignal.timeout(5_000))
  const before = stage.providerLedger.channel(providerKey)!
  stage.restartUser('lost')
  await drain(stage.user.run(question, contextOf()))
  await stage.purse.flush(AbortSignal.timeout(5_000))
  const own = stage.userLedger.channel(userKey)!
  expect(own.charged).toBe(before.charged + 1_020n)
  expect(own.authorized).toBeGreaterThan(before.authorized)
  expect(own.authorized).toBe(stage.providerLedger.channel(providerKey)!.authorized)
  stage.close()
})

test('a provider that claims more than its receipts prove is not paid again', async () => {
  for (const lie of [{ charged: 500n }, { accepted: 500n }, { charged: 500n, receipt: undefined }]) {
    const stage = createStage({
      tamperDesk: desk => ({
        ...desk,
        open: async (...args) => ({ ...(await desk.open(...args)), ...lie }),
      }),
    })
    await expect(drain(stage.user.run(question, contextOf()))).rejects.toMatchObject({ code: 'ledger_conflict' })
    await expect(drain(stage.user.run(question, contextOf()))).rejects.toMatchObject({ code: 'ledger_conflict' })
    expect(stage.mismatches).toHaveLength(1)
    expect(stage.userLedger.channel(userKey)?.authorized ?? 0n).toBe(0n)
    stage.close()
  }
})

const tick = () => new Promise<void>(resolve => setImmediate(resolve))
