import { setTimeout as sleep } from 'node:timers/promises'
import { fetch } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { createConfig, resolvePaths } from '../../src/config/index.ts'
import { type LoggedEvent, type RequestRow, systemClock, systemRandom } from '../../src/core/index.ts'
import { openStore } from '../../src/store/index.ts'
import { type Answer, type FaultyUpstream, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { makeKey } from './keys.ts'
import { createHome, startNode } from './stage.ts'

const calls = 1_000
const concurrency = 32
/** How long a caller's leaving takes to reach the upstream, for half of them at least: single ones wait for busy cores. */
const leaveMs = 200

async function startStorm(answer: Answer) {
  const upstream = await startFaultyUpstream()
  onTestFinished(upstream.stop)
  upstream.always(answer)
  const home = createHome()
  onTestFinished(home.remove)
  const config = createConfig(
    {
      http: { port: 0, concurrency: 256, perKeyConcurrency: 256 },
      models: { nano: false },
      upstreams: [{ name: 'stormy', url: upstream.url, prices: [{ in: '1000', out: '1000' }] }],
      routing: { attemptsMax: 1 },
      archive: { enabled: true },
    },
    resolvePaths({ PARLEY_HOME: home.path }),
  )
  const node = await startNode(config)
  onTestFinished(() => node.stop())
  const key = await makeKey(config.paths.storeFile, { name: 'stormy', rpm: 10_000_000, tpm: 1e12, parallel: 64 })
  const counts = await openCounts(config.paths.storeFile)
  const ends = new Map<string, LoggedEvent>()
  node.log.subscribe(event => {
    if (event.type === 'call.ended' || event.type === 'call.failed') ends.set(event.id, event)
  })
  const ask = (id: string, signal?: AbortSignal) =>
    fetch(`${node.url}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${key}`,
        'x-request-id': id,
      },
      body: JSON.stringify({ model: 'faulty', stream: true, messages: [{ role: 'user', content: `call ${id}` }] }),
      ...(signal && { signal }),
    })
  return { upstream, ends, ask, ...counts, status: () => node.status() as unknown as { running: number } }
}

/** What the node writes down, seen from beside it: the rows by the number of their call, and a budget for all. */
async function openCounts(path: string) {
  const store = await openStore({ path }, { clock: systemClock, random: systemRandom })
  onTestFinished(() => store.close())
  const budget = { scope: 'node' as const, scopeId: '', window: 'total' as const, isHard: true, amount: 10n ** 15n }
  const { id } = await store.budgets.create(budget)
  // The node hears of it within a moment.
  await sleep(400)
  const read = async () => {
    const found: RequestRow[] = []
    for (let page = 1; ; page++) {
      const { rows } = await store.requests.list({}, { page, limit: 100 })
      found.push(...rows)
      if (rows.length < 100) return found
    }
  }
  return {
    /** All of them, once there are so many and the budget has settled. */
    counted: async (many: number) => {
      const end = performance.now() + 15_000
      for (;;) {
        const [rows, spent] = [await read(), (await store.budgets.get(id))!.spent]
        const costs = rows.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n)
        if ((rows.length >= many && costs === spent) || performance.now() > end) return { rows, costs, spent }
        await sleep(100)
      }
    },
  }
}

/** A row names its call as the app did. */
const indexOf = ({ request }: RequestRow) => Number(/storm-(\d+)/.exec(JSON.stringify(request))?.[1])

/** Every number once, `concurrency` of them at a time. */
async function storm(of: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < calls; index = next++) await of(index)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

const idOf = (index: number) => `storm-${String(index).padStart(6, '0')}`
const wordsOf = (count: number) => Array.from({ length: count }, (_, index) => `w${index} `)

/** Says so many words, then the socket is gone; every eighth answer is whole. */
const cutAtRandom: Answer = asked => {
  const index = Number(/storm-(\d+)/.exec(asked.hit.raw.toString())?.[1] ?? 0)
  if (index % 8 === 0) return stream({ words: wordsOf(1 + (index % 40)) })(asked)
  return stream({ words: wordsOf(index % 40), instead: ({ response }) => void response.destroy() })(asked)
}

test(`${calls} streams, most of them cut at random: each client is told and billed for what it got, and nothing is left behind`, {
  timeout: 120_000,
}, async () => {
  const { ends, ask, status, counted } = await startStorm(cutAtRandom)
  let told = 0
  let whole = 0
  const memory: number[] = []
  const got = new Map<number, { status: number; words: number }>()
  await storm(async index => {
    const response = await ask(idOf(index))
    const text = await response.text()
    const isWhole = text.endsWith('data: [DONE]\n\n')
    const isTold = response.status >= 500 || /"error"/.test(text)
    expect([isWhole, isTold]).toEqual(index % 8 === 0 ? [true, false] : [false, true])
    if (isWhole) whole++
    else told++
    got.set(index, { status: response.status, words: text.split('"content":"w').length - 1 })
    if (index % 250 === 249) memory.push(process.memoryUsage().rss)
  })
  expect({ told, whole }).toEqual({ told: 875, whole: 125 })
  await settled(() => ends.size === calls && status().running === 0)
  for (let index = 0; index < calls; index++) {
    const end = ends.get(idOf(index))!
    expect(end).toMatchObject(index % 8 === 0 ? { type: 'call.ended', tokensIn: 7 } : { type: 'call.failed' })
  }
  const { rows, costs, spent } = await counted(calls)
  expect(rows).toHaveLength(calls)
  for (const row of rows) {
    const index = indexOf(row)
    const isWhole = index % 8 === 0
    const { status, words } = got.get(index)!
    expect(row).toMatchObject({
      ...{ provider: 'stormy', status, tokensOutput: isWhole ? 5 : words, isPartial: !isWhole && words > 0 },
      errorCode: isWhole ? null : 'stream_cut',
      cost: status === 200 ? 1_000n * BigInt(row.tokensInput + row.tokensOutput) : null,
    })
  }
  expect(costs).toBe(spent)
  expect(costs).toBeGreaterThan(0n)
  // The last quarter may not cost what the first ones did: what was cut is freed.
  expect(memory.at(-1)! - memory.at(-2)!).toBeLessThan(64 * 1024 * 1024)
})

test(`${calls} callers leave at random: the upstream is stopped, and what they got is recorded and billed`, {
  timeout: 180_000,
}, async () => {
  const { upstream, ends, ask, status, counted } = await startStorm(stream({ words: wordsOf(2_000), dripMs: 5 }))
  const lateMs: number[] = []
  await storm(async index => {
    const leaving = new AbortController()
    let leftAt = 0
    const leave = () => {
      leftAt = performance.now()
      leaving.abort()
    }
    // One in ten leaves on the clock, whatever it has heard by then; the others after some words.
    const timer = index % 10 === 0 ? setTimeout(leave, index % 40) : undefined
    const words = await read(ask(idOf(index), leaving.signal), 1 + (index % 30), leave)
    clearTimeout(timer)
    const hit = await hitOf(upstream, index)
    if (hit === undefined) return
    await settled(() => hit.leftAt !== undefined)
    lateMs.push(hit.leftAt! - leftAt)
    await settled(() => ends.has(idOf(index)))
    const end = ends.get(idOf(index))!
    expect(end).toMatchObject({ type: 'call.failed', code: 'cancelled' })
    // What had arrived is on record, however the call ended.
    if (words > 0) expect((end as { tokensOut: number }).tokensOut).toBeGreaterThan(0)
  })
  await settled(() => status().running === 0)
  expect(lateMs.length).toBeGreaterThanOrEqual(calls * 0.9)
  const { rows, costs, spent } = await counted(ends.size)
  expect(rows.length).toBeGreaterThanOrEqual(ends.size)
  for (const row of rows) {
    const end = ends.get(idOf(indexOf(row)))
    expect(row).toMatchObject({ errorCode: 'cancelled', isPartial: row.tokensOutput > 0 })
    expect([row.tokensInput, row.tokensOutput]).toEqual(
      end === undefined ? [0, 0] : [(end as { tokensIn: number }).tokensIn, (end as { tokensOut: number }).tokensOut],
    )
  }
  expect(costs).toBe(spent)
  lateMs.sort((a, b) => a - b)
  expect(lateMs[Math.floor(lateMs.length / 2)]).toBeLessThan(leaveMs)
})

/** Reads until so many words have arrived, then leaves; gives how many there were. */
async function read(asking: ReturnType<typeof fetch>, enough: number, leave: () => void): Promise<number> {
  let text = ''
  const words = () => text.split('"content":"w').length - 1
  try {
    for await (const piece of (await asking).body!) {
      text += Buffer.from(piece as Uint8Array).toString()
      if (words() >= enough) leave()
    }
  } catch {
    // It left: that is what it is here for.
  }
  return words()
}

/** The upstream's side of a call; undefined for one that left before it got there. */
async function hitOf(upstream: FaultyUpstream, index: number) {
  const mark = `call ${idOf(index)}`
  return upstream.hits.find(({ raw }) => raw.includes(mark))
}

async function settled(holds: () => boolean, timeoutMs = 10_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; !holds() && performance.now() < end; ) await sleep(2)
  expect(holds()).toBe(true)
}
