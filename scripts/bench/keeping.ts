import { performance } from 'node:perf_hooks'
import { createKeyRing, createKeys } from '../../src/auth/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { openStore } from '../../src/store/index.ts'
import { measureCache } from './cache.ts'
import { type Line, lineOf } from './lines.ts'
import { p50 } from './numbers.ts'
import { ask, startNode, type Way, wayTo } from './ways.ts'

const rounds = 400
const warmUps = 100

/** What it costs to keep texts and answers, and to know whose a key is. `plain` is a node that keeps rows alone. */
export async function measureKeeping(home: string, url: string, plain: Way, signal: AbortSignal): Promise<Line[]> {
  const config = '[archive]\nenabled = true\n\n[cache]\nscope = "own"\n'
  const node = await startNode(home, url, signal, config)
  const { baseUrl, apiKey } = node.ready as { baseUrl: string; apiKey: string }
  const toNode = (more: Record<string, string>) =>
    wayTo(new URL(baseUrl).origin, node.pid, plain.path, { authorization: `Bearer ${apiKey}`, ...more })
  const [archiving, caching] = [toNode({ 'cache-control': 'no-store' }), toNode({})]
  try {
    return [
      ...(await archiveLine(plain, archiving)),
      ...(await cacheLines(caching)),
      ...(await keyLine(`${home}-keys`)),
    ]
  } finally {
    await Promise.all([archiving.pool.destroy(), caching.pool.destroy()])
    await node.stop(5_000)
  }
}

/** In turns, so that what else the machine does hits both alike. */
async function archiveLine(plain: Way, archiving: Way): Promise<Line[]> {
  const times: Record<'off' | 'on', number[]> = { off: [], on: [] }
  for (let round = -warmUps; round < rounds; round++) {
    const content = `Say something short, please, ${round}.`
    for (const [name, way] of [
      ['off', plain],
      ['on', archiving],
    ] as const) {
      const { wholeMs } = await ask(way, { model: 'short', stream: false, content })
      if (round >= 0) times[name].push(wholeMs)
    }
  }
  const ms = p50(times.on) - p50(times.off)
  const shown = `${ms.toFixed(2)} ms over ${p50(times.off).toFixed(2)} ms`
  return [lineOf('  texts kept, added to a JSON request', shown, { value: ms, target: '≤ 0.3 ms', isMet: ms <= 0.3 })]
}

async function cacheLines(caching: Way): Promise<Line[]> {
  const took: number[] = []
  for (let round = -warmUps; round < rounds; round++) {
    const { wholeMs } = await ask(caching, { model: 'short', stream: false })
    if (round >= 0) took.push(wholeMs)
  }
  const ms = p50(took)
  const line = lineOf('  a kept answer, over HTTP', `${ms.toFixed(2)} ms`, {
    value: ms,
    target: '≤ 1 ms',
    isMet: ms <= 1,
  })
  return [line, ...(await measureCache())]
}

const keyRounds = 20_000

/** In this process, over a store with the key in it. */
async function keyLine(path: string): Promise<Line[]> {
  const parts = { clock: systemClock, random: systemRandom }
  const store = await openStore({ path }, parts)
  try {
    const revisions = { changed: () => undefined, current: () => 0 }
    const { secret } = await createKeys({ ...parts, keys: store.keys, budgets: store.budgets, revisions }).create({
      name: 'bench',
    })
    const ring = createKeyRing({ keys: store.keys, users: store.users, revisions, clock: systemClock })
    for (let round = 0; round < keyRounds; round++) await ring.verify(secret)
    const startedAt = performance.now()
    for (let round = 0; round < keyRounds; round++) await ring.verify(secret)
    const ms = (performance.now() - startedAt) / keyRounds
    const shown = `${(ms * 1_000).toFixed(1)} µs`
    return [lineOf('  whose a known API key is', shown, { value: ms, target: '≤ 0.05 ms', isMet: ms <= 0.05 })]
  } finally {
    await store.close()
  }
}
