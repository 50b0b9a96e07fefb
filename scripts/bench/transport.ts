import { performance } from 'node:perf_hooks'
import { mnemonicToAccount } from 'viem/accounts'
import type { Stage } from '../../src/cli/stage.ts'
import type { Hex } from '../../src/core/index.ts'
import { type Line, lineOf } from './lines.ts'
import { p50 } from './numbers.ts'
import type { ChainSettings, ScriptedSeller, Way } from './parts.ts'
import { type Helper, startHelper } from './processes.ts'
import { scriptedModels } from './scripted.ts'

const ways: readonly Way[] = ['bare', 'plain', 'libp2p', 'paid']
const rounds = 7
const calls = 80
const pauseMs = 3

/** HTTP over libp2p, without and with payment, against HTTP on a loopback socket. */
export async function measureTransport(stage: Stage, directory: (name: string) => string): Promise<Line[]> {
  const helpers = { paid: startHelper('seller.ts'), free: startHelper('seller.ts'), buyer: startHelper('buyer.ts') }
  try {
    const chain = chainOf(stage)
    const paid = await helpers.paid.ask<ScriptedSeller>(sellerOf('vouchers', 2, directory('paid'), chain))
    const free = await helpers.free.ask<ScriptedSeller>(sellerOf('free', 3, directory('free'), chain))
    const settings = { home: directory('buyer'), privateKey: developerKey(1), chain, paid, free }
    const { url } = await helpers.buyer.ask<{ url: string }>({ what: 'start', settings })
    return [
      ...(await roundTrips(helpers.buyer)),
      ...(await streams(helpers.buyer, url.replace(/\/$/, ''))),
      await bulk(helpers.buyer),
    ]
  } finally {
    for (const helper of Object.values(helpers)) helper.end()
  }
}

async function roundTrips(buyer: Helper): Promise<Line[]> {
  const times: Record<Way, number[]> = { bare: [], plain: [], libp2p: [], paid: [] }
  for (let round = -2; round < rounds; round++) {
    for (const way of ways) {
      const ms = await buyer.ask<number>({ what: 'round trip', way, calls, pauseMs })
      if (round >= 0) times[way].push(ms)
    }
  }
  const ratio = (way: Way, to: Way) => p50(times[way].map((ms, round) => ms / times[to][round]!))
  const shown = (way: Way) => `${(p50(times[way]) * 1_000).toFixed(0)} µs`
  return [
    lineOf('small chat call, p50, bare node:http and undici', shown('bare')),
    lineOf('  the node’s own front and client, plain HTTP', shown('plain')),
    lineOf('  the same over libp2p', `${shown('libp2p')}, ${ratio('libp2p', 'plain').toFixed(2)}× plain`),
    lineOf('  … with session and payment', `${shown('paid')}, ${ratio('paid', 'plain').toFixed(2)}× plain`, {
      value: ratio('paid', 'plain'),
      target: '≤ 3.5×',
      isMet: ratio('paid', 'plain') <= 3.5,
    }),
    lineOf('  … against bare node:http', `${ratio('paid', 'bare').toFixed(2)}×`, { value: ratio('paid', 'bare') }),
  ]
}

const streamRounds = 15

/** 2,000 events that are ready at once: over one connection each way, then by an app through both nodes. */
async function streams(buyer: Helper, nodeUrl: string): Promise<Line[]> {
  const times = { plain: [] as number[], libp2p: [] as number[], paid: [] as number[], app: [] as number[] }
  for (let round = -5; round < streamRounds; round++) {
    const ms = {
      plain: await buyer.ask<number>({ what: 'stream', way: 'plain' }),
      libp2p: await buyer.ask<number>({ what: 'stream', way: 'libp2p' }),
      paid: await buyer.ask<number>({ what: 'stream', way: 'paid' }),
      app: await readStream(nodeUrl),
    }
    if (round < 0) continue
    for (const way of ['plain', 'libp2p', 'paid', 'app'] as const) times[way].push(ms[way])
  }
  const shown = (way: keyof typeof times) =>
    `${p50(times[way]).toFixed(1)} ms, ${(p50(times[way]) / p50(times.plain)).toFixed(1)}× plain`
  return [
    lineOf('2,000 events ready at once, plain HTTP', `${p50(times.plain).toFixed(1)} ms`),
    lineOf('  over libp2p', shown('libp2p'), {
      value: p50(times.libp2p),
      target: '≤ 20 ms',
      isMet: p50(times.libp2p) <= 20,
    }),
    lineOf('  … with session and payment', shown('paid'), { value: p50(times.paid) }),
    lineOf('  … read by an app behind the user node', shown('app'), { value: p50(times.app) }),
  ]
}

async function readStream(origin: string): Promise<number> {
  const startedAt = performance.now()
  const response = await fetch(`${origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: scriptedModels.stream,
      stream: true,
      messages: [{ role: 'user', content: 'Say it all.' }],
    }),
  })
  const text = await response.text()
  const ms = performance.now() - startedAt
  if (!text.endsWith('data: [DONE]\n\n')) throw new Error(`the stream broke off: ${text.slice(-200)}`)
  return ms
}

async function bulk(buyer: Helper): Promise<Line> {
  const runs: { plain: number; libp2p: number }[] = []
  for (let round = -2; round < 7; round++) {
    const run = await buyer.ask<{ plain: number; libp2p: number }>({ what: 'bulk' })
    if (round >= 0) runs.push(run)
  }
  const plain = p50(runs.map(run => run.plain)) / 1_000
  const libp2p = p50(runs.map(run => run.libp2p)) / 1_000
  const ratio = p50(runs.map(run => run.libp2p / run.plain))
  const shown = `${libp2p.toFixed(0)} MB/s of ${plain.toFixed(0)} MB/s plain, ${ratio.toFixed(2)}×`
  return lineOf('one stream of 16 MiB over libp2p', shown, { value: ratio })
}

function chainOf({ chainId, rpcUrl, registry, escrow, token }: Stage): ChainSettings {
  return { id: chainId, rpcUrls: [rpcUrl], registry, escrow, token } as ChainSettings
}

function sellerOf(rail: 'vouchers' | 'free', account: number, home: string, chain: ChainSettings) {
  return { home, privateKey: developerKey(account), rail, chain }
}

/** The accounts of the development chain are published with every EVM tool there is. */
function developerKey(index: number): Hex {
  const mnemonic = 'test test test test test test test test test test test junk'
  const key = mnemonicToAccount(mnemonic, { addressIndex: index }).getHdKey().privateKey!
  return `0x${Buffer.from(key).toString('hex')}`
}
