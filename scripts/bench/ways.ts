import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { startChild } from '../../src/cli/child.ts'

/** One way to the same server. */
export interface Way {
  readonly pid: number
  readonly pool: Pool
  readonly path: string
  readonly headers: Record<string, string>
}
export interface Ask {
  readonly model: 'short' | 'bench' | 'paced'
  readonly stream: boolean
  readonly content?: string
}

const door = fileURLToPath(new URL('../parley.cjs', import.meta.url))

/** A user node with one upstream; `more` is what else its configuration says. */
export async function startNode(home: string, url: string, signal: AbortSignal, more = '') {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const config = `[http]\nport = 0\n\n[models]\nnano = false\n\n[log]\nlevel = "warn"\n\n[[upstreams]]\nname = "bench"\nurl = "${url}/v1"\n\n${more}`
  writeFileSync(join(home, 'config.toml'), config, { mode: 0o600 })
  const env = { ...process.env, PARLEY_HOME: home }
  const args = ['up', '--until-stdin-ends', '--json']
  return startChild('gateway', { script: door, args, env, readyMs: 30_000, signal, say: () => undefined })
}

export function wayTo(origin: string, pid: number, path: string, more: Record<string, string> = {}): Way {
  return {
    pid,
    path,
    pool: new Pool(origin, { connections: 64 }),
    headers: { 'content-type': 'application/json', ...more },
  }
}

/** Milliseconds to the first byte and to the end of one answer. */
export async function ask(
  { pool, path, headers }: Way,
  { model, stream, content = 'Say something short, please.' }: Ask,
): Promise<{ firstMs: number; wholeMs: number }> {
  const messages = [{ role: 'user', content }]
  const startedAt = performance.now()
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path,
    headers,
    body: JSON.stringify({ model, stream, messages }),
  })
  let firstAt: number | undefined
  let size = 0
  let said = ''
  for await (const piece of body) {
    firstAt ??= performance.now()
    size += (piece as Buffer).length
    if (statusCode !== 200) said += String(piece)
  }
  if (statusCode !== 200 || size === 0) throw new Error(`an answer failed with ${statusCode}: ${said}`)
  return { firstMs: firstAt! - startedAt, wholeMs: performance.now() - startedAt }
}

export async function many(way: Way, what: Ask, calls: number, concurrency: number): Promise<void> {
  let left = calls
  const worker = async () => {
    while (left-- > 0) await ask(way, what)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}
