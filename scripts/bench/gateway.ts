import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { measureKeeping } from './keeping.ts'
import { type Line, lineOf } from './lines.ts'
import { p50 } from './numbers.ts'
import { startPortkey } from './portkey.ts'
import { cpuMs, residentMegabytes, startHelper } from './processes.ts'
import { type Ask, ask, many, startNode, type Way, wayTo } from './ways.ts'

type Ways = Readonly<Record<'direct' | 'proxy' | 'gateway', Way> & { portkey?: Way }>
const json: Ask = { model: 'short', stream: false }
const events: Ask = { model: 'bench', stream: true }
const paced: Ask = { model: 'paced', stream: true }
const soakCalls = 200_000
const warmUpCalls = 6_000

/**
 * A user node in front of one server, keys checked and calls recorded, against the least a proxy in Node can do. Only
 * Linux tells what a process used; elsewhere there are no lines.
 */
export async function measureGateway(home: string, signal: AbortSignal): Promise<Line[]> {
  if (process.platform !== 'linux') return []
  const upstream = startHelper('./gateway-upstream.ts')
  const proxy = startHelper('./gateway-proxy.ts')
  const url = await upstream.ask<string>({})
  const proxyUrl = await proxy.ask<string>({ upstream: url })
  const node = await startNode(home, url, signal)
  const { baseUrl, apiKey } = node.ready as { baseUrl: string; apiKey: string }
  const path = '/v1/chat/completions'
  const portkey = await startPortkey(url)
  const ways: Ways = {
    direct: wayTo(url, upstream.pid, path),
    proxy: wayTo(proxyUrl, proxy.pid, path),
    gateway: wayTo(new URL(baseUrl).origin, node.pid, path, { authorization: `Bearer ${apiKey}` }),
    ...(portkey && { portkey: wayTo(portkey.origin, portkey.pid, path, portkey.headers) }),
  }
  try {
    const lines = [...(await cpuLines(ways)), ...(await delayLines(ways))]
    lines.push(...(await measureKeeping(`${home}-keeping`, url, ways.gateway, signal)))
    return [...lines, ...(await memoryLines(ways.gateway))]
  } finally {
    await Promise.all(Object.values(ways).map(({ pool }) => pool.destroy()))
    await node.stop(5_000)
    portkey?.stop()
    upstream.end()
    proxy.end()
  }
}

async function cpuLines({ proxy, gateway, portkey }: Ways): Promise<Line[]> {
  const lines: Line[] = []
  for (const [what, name] of [
    [json, 'JSON request'],
    [events, '36-event stream'],
  ] as const) {
    const canAnswer = portkey !== undefined && (await ask(portkey, what).then(Boolean, () => false))
    const used = await cpuOf({ proxy, gateway, ...(canAnswer && { portkey }) }, what)
    const ratio = used.gateway! / used.proxy!
    const shown = `${used.gateway!.toFixed(0)} µs of ${used.proxy!.toFixed(0)} bare proxy, ${ratio.toFixed(1)}×`
    lines.push(
      lineOf(`gateway, processor time of a ${name}`, shown, { value: ratio, target: '≤ 3×', isMet: ratio <= 3 }),
    )
    if (portkey === undefined) continue
    const other = (used.portkey ?? Number.NaN) / used.proxy!
    const shownOther = canAnswer ? `${used.portkey!.toFixed(0)} µs, ${other.toFixed(1)}×` : 'fails'
    lines.push(lineOf('  Portkey 1.15.2, the same', shownOther, { value: other }))
  }
  return lines
}

/** Microseconds a call, each way in turn after a warm-up, the median of the rounds. */
async function cpuOf(ways: Readonly<Record<string, Way>>, what: Ask): Promise<Record<string, number>> {
  for (const way of Object.values(ways)) await many(way, what, warmUpCalls, 16)
  const used = Object.fromEntries(Object.keys(ways).map(name => [name, [] as number[]]))
  for (let round = 0; round < 5; round++) {
    for (const [name, way] of Object.entries(ways)) used[name]!.push(await cpuPerCall(way, what, 1_500))
  }
  return Object.fromEntries(Object.entries(used).map(([name, times]) => [name, p50(times)]))
}

async function cpuPerCall(way: Way, what: Ask, calls: number): Promise<number> {
  const before = cpuMs(way.pid)
  await many(way, what, calls, 16)
  return ((cpuMs(way.pid) - before) * 1_000) / calls
}

async function delayLines(ways: Ways): Promise<Line[]> {
  const whole = await inTurns(ways, json, 400, ({ wholeMs }) => wholeMs)
  const first = await inTurns(ways, paced, 30, ({ firstMs }) => firstMs)
  const open = await openLoop(ways, json)
  return [
    lineOf('  added to a JSON request, p50', added(whole), {
      value: whole.gateway - whole.direct,
      target: '≤ 0.25 ms',
      isMet: whole.gateway - whole.direct <= 0.25,
    }),
    lineOf('  added to the first event of a stream', added(first), {
      value: first.gateway - first.direct,
      target: '≤ 1 ms',
      isMet: first.gateway - first.direct <= 1,
    }),
    lineOf('  added at 200 requests/s, open loop', added(open), { value: open.gateway - open.direct }),
  ]
}

type Times = Record<'direct' | 'proxy' | 'gateway', number>

function added({ direct, proxy, gateway }: Times): string {
  return `${(gateway - direct).toFixed(2)} ms, bare proxy ${(proxy - direct).toFixed(2)} ms`
}

/** One call a way in turn, so that what else the machine does hits all alike. */
async function inTurns(
  ways: Ways,
  what: Ask,
  rounds: number,
  of: (times: { firstMs: number; wholeMs: number }) => number,
): Promise<Times> {
  const times: Record<keyof Times, number[]> = { direct: [], proxy: [], gateway: [] }
  for (let round = -50; round < rounds; round++) {
    for (const way of ['direct', 'proxy', 'gateway'] as const) {
      const took = of(await ask(ways[way], what))
      if (round >= 0) times[way].push(took)
      if (what.model === 'paced' && round < 0) round++
    }
  }
  return { direct: p50(times.direct), proxy: p50(times.proxy), gateway: p50(times.gateway) }
}

/** Calls leave on the clock, whether the earlier ones are answered or not. */
async function openLoop(ways: Ways, what: Ask): Promise<Times> {
  const result = { direct: 0, proxy: 0, gateway: 0 }
  for (const way of ['direct', 'proxy', 'gateway'] as const) {
    const running: Promise<number>[] = []
    const startedAt = performance.now()
    for (let call = 0; call < 800; call++) {
      const dueMs = startedAt + call * 5 - performance.now()
      if (dueMs > 0) await sleep(dueMs)
      running.push(ask(ways[way], what).then(({ wholeMs }) => wholeMs))
    }
    result[way] = p50(await Promise.all(running))
  }
  return result
}

async function memoryLines(gateway: Way): Promise<Line[]> {
  await many(gateway, json, soakCalls / 2, 32)
  const half = residentMegabytes(gateway.pid)!
  await many(gateway, json, soakCalls / 2, 32)
  const size = residentMegabytes(gateway.pid)!
  const growth = size / half - 1
  const shown = `${size.toFixed(0)} MB, ${(growth * 100).toFixed(1)} % more than after half of them`
  return [
    lineOf('  memory after 200,000 requests', shown, {
      value: size,
      target: '≤ 150 MB, < 10 %',
      isMet: size <= 150 && growth < 0.1,
    }),
  ]
}
