import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { pullModel } from '../../src/jobs/index.ts'
import { modelServer, sumOf } from './model-server.ts'

const child = fileURLToPath(new URL('pull-child.ts', import.meta.url))
const name = '127.0.0.1--big.gguf'

test('a pull that is killed continues where it was, and the file is whole', async () => {
  const model = Buffer.concat([Buffer.from('GGUF'), randomBytes(3_000_000)])
  const server = await modelServer(model)
  const directory = await mkdtemp(join(tmpdir(), 'parley-kill-'))
  const source = `${server.url}/big.gguf`
  try {
    // Each round the server falls silent a little later, so every process is killed in the middle.
    for (const stallAfter of [600_000, 1_200_000, 2_400_000]) {
      server.manners.stallAfter = stallAfter
      const pulling = spawn(process.execPath, [child, source, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
      const part = join(directory, `${name}.part`)
      const arrived = async () => (await stat(part).catch(() => ({ size: 0 }))).size >= stallAfter - 200_000
      while (!(await arrived())) await new Promise(resolve => setTimeout(resolve, 10))
      pulling.kill('SIGKILL')
      await once(pulling, 'exit')
      expect(await readdir(directory)).not.toContain(name)
    }
    server.manners.stallAfter = undefined
    const signal = new AbortController().signal
    const pulled = await pullModel({ source, directory, signal, environment: {}, sha256: sumOf(model) })
    expect(await readFile(pulled.path)).toEqual(model)
    const starts = server.seen.map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0))
    expect(starts).toHaveLength(4)
    expect(starts.at(-1)).toBeGreaterThan(2_000_000)
    expect(await readdir(directory)).toEqual([name, `${name}.sha256.json`])
  } finally {
    await server.close()
    await rm(directory, { recursive: true, force: true })
  }
}, 60_000)
