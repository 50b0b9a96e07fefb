import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Stage } from '../../src/cli/stage.ts'
import { type Line, lineOf } from './lines.ts'
import { p50 } from './numbers.ts'
import { residentMegabytes } from './processes.ts'

const door = fileURLToPath(new URL('../parley.cjs', import.meta.url))
const rounds = 4
const idleMs = 5_000

/** From `parley up` to the first readiness, of a user node with a chain and a provider to buy from; then its memory. */
export async function measureStart(stage: Stage, directory: (name: string) => string): Promise<Line[]> {
  const runs: { readyMs: number; megabytes: number | undefined }[] = []
  for (let round = 0; round < rounds; round++) runs.push(await startOnce(stage, directory('user')))
  const [first, ...again] = runs.map(run => run.readyMs)
  const readyMs = p50(again)
  const sizes = runs.flatMap(({ megabytes }) => megabytes ?? [])
  const built = existsSync(fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))) ? 'dist' : 'source'
  const ready = lineOf(
    `parley up until ready, from ${built}`,
    `${readyMs.toFixed(0)} ms, ${first!.toFixed(0)} ms the first time`,
    { value: readyMs, target: '≤ 1 s', isMet: readyMs <= 1_000 },
  )
  if (sizes.length === 0) return [ready]
  const size = p50(sizes)
  const idle = { value: size, target: '≤ 150 MB', isMet: size <= 150 }
  return [ready, lineOf('  idle user node after 5 s', `${size.toFixed(0)} MB`, idle)]
}

async function startOnce({ rpcUrl, chainId, registry, escrow, token }: Stage, home: string) {
  const port = await freePort()
  const settings = {
    PARLEY_HOME: home,
    PARLEY_HTTP_PORT: String(port),
    PARLEY_CHAIN_RPC_URLS: rpcUrl,
    PARLEY_CHAIN_ID: String(chainId),
    PARLEY_CHAIN_REGISTRY: registry,
    PARLEY_CHAIN_ESCROW: escrow,
    PARLEY_CHAIN_TOKEN: token,
  }
  const startedAt = performance.now()
  const child = spawn(process.execPath, [door, 'up'], { env: { ...process.env, ...settings }, stdio: 'ignore' })
  const gone = new Promise(resolve => child.once('exit', resolve))
  try {
    while (!(await isReady(port))) {
      if (child.exitCode !== null || performance.now() - startedAt > 60_000) throw new Error('parley up does not start')
      await sleep(5)
    }
    const readyMs = performance.now() - startedAt
    await sleep(idleMs)
    return { readyMs, megabytes: residentMegabytes(child.pid!) }
  } finally {
    child.kill('SIGTERM')
    await gone
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/healthz/ready`)).ok
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
