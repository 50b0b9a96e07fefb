import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pullModel } from '../../src/jobs/index.ts'
import { modelServer, sumOf } from './model-server.ts'

/** A real file system that really fills up: only root can have one, elsewhere these cases are skipped. */
const mount = (...args: string[]) => spawnSync('mount', args).status === 0
const canMount = process.platform === 'linux' && process.getuid?.() === 0

const model = Buffer.concat([Buffer.from('GGUF'), randomBytes(1_500_000)])
let directory: string
let isMounted = false

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-full-'))
  isMounted = canMount && mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory)
})
afterAll(async () => {
  if (isMounted) spawnSync('umount', [directory])
  await rm(directory, { recursive: true, force: true })
})

test('a disk that fills up in the middle ends the pull cleanly, and it goes on when there is room', async context => {
  if (!isMounted) return context.skip()
  const server = await modelServer(model)
  const signal = new AbortController().signal
  const options = { source: `${server.url}/big.gguf`, directory, signal, environment: {}, sha256: sumOf(model) }
  try {
    await writeFile(join(directory, 'ledger'), 'money')
    await expect(pullModel(options)).rejects.toMatchObject({
      code: 'disk_full',
      details: { freeBytes: expect.any(Number) as number },
    })
    const blind = { ...options, limits: { freeBytes: async () => Number.POSITIVE_INFINITY } }
    await expect(pullModel(blind)).rejects.toMatchObject({ code: 'disk_full' })
    const part = await stat(join(directory, '127.0.0.1--big.gguf.part'))
    expect(part.size).toBeGreaterThan(500_000)
    expect(await readFile(join(directory, 'ledger'), 'utf8')).toBe('money')
    expect(mount('-o', 'remount,size=8m', directory)).toBe(true)
    const pulled = await pullModel(options)
    expect(await readFile(pulled.path)).toEqual(model)
    expect(server.seen.at(-1)?.range).toBe(`bytes=${part.size}-`)
    expect((await readdir(directory)).filter(name => name.includes('.part'))).toEqual([])
  } finally {
    await server.close()
  }
})
