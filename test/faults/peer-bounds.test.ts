import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LoggedEvent } from '../../src/core/index.ts'
import { type FaultyUpstream, saidWhole, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { channelOf, type Market, openMarket, until } from '../node/market.ts'
import { ask, type Heard, hitsOf, newId } from './asking.ts'
import { backupWords } from './faults.ts'
import { type Line, openLine } from './line.ts'
import { priceOut, prices } from './stage.ts'

/** The bounds of the node next to the app: those of its provider are as long as they are by default. */
const bounds = { connectMs: 1_500, totalMs: 3_000 }
const model = 'slow'

let faulty: FaultyUpstream
let backup: FaultyUpstream
let market: Market
let line: Line
const events: LoggedEvent[] = []

beforeAll(async () => {
  ;[faulty, backup] = [await startFaultyUpstream([model]), await startFaultyUpstream([model])]
  backup.always(stream({ words: backupWords }))
  market = await openMarket({
    inFrontOfPeer: async port => {
      line = await openLine(port)
      return line.port
    },
    provider: {
      models: { nano: false },
      upstreams: [{ name: 'up', url: faulty.url }],
      provider: { prices, claim: { everySeconds: 0 } },
    },
    user: {
      upstreams: [{ name: 'backup', url: backup.url }],
      routing: { attemptsMax: 2 },
      timeouts: { firstTokenMs: 20_000, idleMs: 20_000, ...bounds },
    },
  })
  market.user.node.log.subscribe(event => void events.push(event))
  await until(() => market.user.node.status().providers.some(({ models }) => models.length > 0), 'it is known')
})
afterAll(async () => {
  await market?.stop()
  await line?.stop()
  await Promise.all([faulty?.stop(), backup?.stop()])
})

const target = () => market.dev.accounts[1]!.address

async function chat(provider: unknown = target(), id = newId()): Promise<Heard & { readonly tookMs: number }> {
  const { url, firstKey } = market.user.node
  const startedAt = performance.now()
  const heard = await ask({ url, key: firstKey!, body: { model, stream: true, provider } }, id)
  return { ...heard, tookMs: performance.now() - startedAt }
}

const both = () => ({ order: [target(), 'backup'], only: [target(), 'backup'] })
const ownBooks = () => channelOf(market.user.home, 'user')
const booksOfBoth = () => [ownBooks(), channelOf(market.provider.home, 'provider')]

async function booksLevel(): Promise<void> {
  await until(() => {
    const [own, far] = booksOfBoth()
    return own?.charged === far?.charged && own?.authorized === far?.authorized
  }, 'level books')
}

test('the whole of a paid answer: one that never ends is cut, told so, let go, and paid as far as it came', async () => {
  faulty.always(stream({ words: Array(2_000).fill('on and '), dripMs: 20 }))
  const heard = await chat(both())
  expect(heard).toMatchObject({ status: 200, isDone: false, error: { code: 'timeout' } })
  expect(heard.text).toContain('on and on and')
  expect(heard.tookMs).toBeGreaterThan(bounds.totalMs * 0.9)
  expect(heard.tookMs).toBeLessThan(bounds.totalMs + 4_000)
  expect(hitsOf(backup.hits, heard)).toEqual([])
  await until(() => hitsOf(faulty.hits, heard)[0]!.leftAt !== undefined, 'the upstream is let go')
  await booksLevel()
  const words = BigInt(heard.text.split('on and ').length - 1)
  expect(ownBooks()!.charged).toBeGreaterThanOrEqual(words * priceOut)
  expect(market.user.node.status().providers[0]).toMatchObject({ error: null })
})

test('reaching a provider: a line on which nobody answers is left for the next, and costs nothing', async () => {
  faulty.always(stream())
  expect(await chat()).toMatchObject({ status: 200, text: saidWhole, isDone: true })
  await booksLevel()
  const before = ownBooks()!
  const asked = faulty.hits.length
  line.mute(true)
  const second = await chat(both())
  expect(second).toMatchObject({ status: 200, text: backupWords.join(''), isDone: true, error: undefined })
  expect(second.headers.get('x-parley-attempts')).toBe('2')
  // Each address has half of the bound.
  expect(second.tookMs).toBeGreaterThan(bounds.connectMs * 0.4)
  expect(second.tookMs).toBeLessThan(bounds.connectMs + 1_000)
  const alone = await chat()
  expect([alone.text, alone.isDone, alone.error?.code]).toEqual(['', false, 'peer_unreachable'])
  expect(alone.status).toBe(502)
  expect(alone.tookMs).toBeLessThan(bounds.totalMs)
  const attempts = events.flatMap(event =>
    event.type === 'call.attempted' && event.id === second.id ? [[event.backend, event.code]] : [],
  )
  expect(attempts).toEqual([[target(), 'peer_unreachable']])
  expect(faulty.hits).toHaveLength(asked)
  line.mute(false)
  await until(() => market.user.node.status().running === 0, 'nothing runs any more')
  expect(await chat()).toMatchObject({ status: 200, text: saidWhole, isDone: true })
  await booksLevel()
  expect(ownBooks()!.charged).toBe(before.charged + lastCharge())
})

/** What the newest receipt charges. */
function lastCharge(): bigint {
  const receipt = events.findLast(event => event.type === 'receipt.taken')
  return (receipt as { charge: bigint }).charge
}
