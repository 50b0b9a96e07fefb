import { afterEach, expect, test } from 'vitest'
import type { Channel } from '../../src/core/index.ts'
import {
  contextOf,
  createStage,
  drain,
  EscrowBook,
  providerKey,
  question,
  type Stage,
  type StageOptions,
  userKey,
} from './stage.ts'

let stage: Stage

function play(options: StageOptions = {}): Stage {
  stage = createStage(options)
  return stage
}

afterEach(() => stage.close())

test('a counter of a new epoch starts at what was claimed on both sides, and unused credit goes on', async () => {
  const { escrow } = play()
  const former = await buy()
  expect(former.authorized).toBeGreaterThan(former.charged)
  escrow.state = { ...escrow.state, epoch: 1n, claimed: former.authorized }
  restart()
  const own = await buy(1n)
  expect(own.charged - former.charged).toBe(former.charged)
  expect(own.authorized).toBeGreaterThan(former.authorized)
  expect(own.claimed).toBe(former.authorized)
  expect(stage.mismatches).toEqual([])
})

test('what a provider never claimed in a former epoch is not owed in the next', async () => {
  const { escrow } = play()
  const { charged } = await buy()
  escrow.state = { ...escrow.state, epoch: 1n, claimed: 7n }
  restart()
  expect((await buy(1n)).charged).toBe(7n + charged)
})

test('a provider that counts from somewhere else than the chain gets nothing signed', async () => {
  for (const lie of [{ accepted: 500n }, { accepted: 0n }, { epoch: 2n }]) {
    const { escrow, user } = play({
      tamperDesk: desk => ({ ...desk, open: async (...args) => ({ ...(await desk.open(...args)), ...lie }) }),
    })
    escrow.state = { ...escrow.state, epoch: 1n, claimed: 100n }
    await expect(drain(user.run(question, contextOf()))).rejects.toMatchObject({ code: 'payment_invalid' })
    expect(stage.userLedger.channels('user')).toEqual([])
    stage.close()
  }
  play()
})

test('known providers are paid while the chain is away, in any epoch and after a restart', async () => {
  const chain = new EscrowBook()
  const { escrow } = play({ purse: { escrow: chain } })
  for (const state of [escrow, chain]) state.state = { ...state.state, epoch: 3n, claimed: 50n }
  await buy(3n)
  expect(chain.reads).toBe(2)
  chain.isDown = true
  stage.restartUser()
  const before = stage.userLedger.channel({ ...userKey, epoch: 3n })!
  expect((await buy(3n)).charged).toBeGreaterThan(before.charged)
})

test('nobody reads the chain to pay a new provider in the first epoch', async () => {
  const chain = new EscrowBook()
  chain.isDown = true
  play({ purse: { escrow: chain } })
  await buy()
  expect(chain.reads).toBe(0)
})

test('a provider that lost its disk after a claim takes no voucher below it', async () => {
  const { escrow } = play()
  const former = await buy()
  escrow.state = { ...escrow.state, claimed: former.authorized }
  stage.restartProvider('lost')
  const own = await buy()
  expect(own.charged - former.charged).toBe(former.charged)
  expect(stage.providerLedger.channel(providerKey)).toMatchObject({ claimed: former.authorized })

  escrow.state = { ...escrow.state, claimed: own.authorized }
  stage.restartProvider('lost')
  stage.restartUser('lost')
  expect((await buy()).charged - own.authorized).toBe(former.charged)
})

test('a session that slept for longer than the escrow may be believed wakes up again', async () => {
  let slept = 0
  const { user } = play({ clock: { now: () => Date.now(), monotonic: () => slept } })
  await drain(user.run(question, contextOf()))
  slept += 3 * 3_600_000
  await drain(user.run(question, contextOf()))
})

/** One call; the counter of this epoch, the same on both sides. */
async function buy(epoch = 0n): Promise<Channel> {
  await drain(stage.user.run(question, contextOf()))
  await stage.purse.flush(AbortSignal.timeout(5_000))
  await new Promise(resolve => setImmediate(resolve))
  await stage.purse.flush(AbortSignal.timeout(5_000))
  const own = stage.userLedger.channel({ ...userKey, epoch })!
  const theirs = stage.providerLedger.channel({ ...providerKey, epoch })!
  expect(own).toMatchObject({ authorized: theirs.authorized, charged: theirs.charged })
  return own
}

function restart(): void {
  stage.restartUser()
  stage.restartProvider()
}
