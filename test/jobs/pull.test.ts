import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type PullOptions, type PullProgress, pullModel } from '../../src/jobs/index.ts'
import { modelServer, sumOf } from './model-server.ts'

const model = Buffer.concat([Buffer.from('GGUF'), randomBytes(700_000)])
const never = new AbortController().signal

let directory: string
let server: Awaited<ReturnType<typeof modelServer>>

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-pull-'))
  server = await modelServer(model)
})
afterEach(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

function pull(more: Partial<PullOptions> = {}) {
  const { limits, ...rest } = more
  return pullModel({
    source: `${server.url}/models/tiny.gguf`,
    directory,
    signal: never,
    environment: {},
    ...rest,
    limits: { retryBaseMs: 1, ...limits },
  })
}

const fileName = '127.0.0.1--tiny.gguf'

test('a pull brings the file under a safe name, with nothing half-done beside it', async () => {
  const progress: PullProgress[] = []
  const pulled = await pull({ sha256: sumOf(model), onProgress: step => progress.push(step) })
  expect(pulled).toMatchObject({ name: fileName, sha256: sumOf(model), sizeBytes: model.length, verified: true })
  expect(await readFile(pulled.path)).toEqual(model)
  expect((await readdir(directory)).sort()).toEqual([fileName, `${fileName}.sha256.json`])
  expect(progress.at(-1)).toMatchObject({ file: fileName, bytes: model.length, total: model.length })
})

test('without a sum the file is kept and said to be unverified', async () => {
  expect(await pull()).toMatchObject({ verified: false, sha256: sumOf(model) })
})

test('pulling again does nothing; pulling something else under the same name is a conflict', async () => {
  await pull({ sha256: sumOf(model) })
  const before = server.seen.length
  await pull({ sha256: sumOf(model) })
  await pull()
  expect(server.seen).toHaveLength(before)
  await expect(pull({ sha256: 'a'.repeat(64) })).rejects.toMatchObject({ code: 'conflict' })
})

test('cut connections are continued where they broke, not begun again', async () => {
  server.manners.cuts = [100_000, 200_000, 50_000]
  await pull({ sha256: sumOf(model) })
  const ranges = server.seen.map(({ range }) => range)
  expect(ranges).toHaveLength(4)
  expect(ranges[0]).toBeUndefined()
  const starts = ranges.slice(1).map(range => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]))
  expect(starts).toEqual([...starts].sort((a, b) => a - b))
  expect(starts[0]).toBeGreaterThan(0)
  expect(server.seen[1]?.ifRange).toBe(server.manners.etag)
})

test('a server without ranges is read from the beginning again', async () => {
  server.manners.ranges = false
  server.manners.cuts = [100_000]
  expect(await pull({ sha256: sumOf(model) })).toMatchObject({ verified: true })
})

test('a file that changed between two attempts is not glued together', async () => {
  const other = Buffer.concat([Buffer.from('GGUF'), randomBytes(600_000)])
  server.manners.stallAfter = 300_000
  await expect(pull({ signal: AbortSignal.timeout(150) })).rejects.toMatchObject({ code: 'timeout' })
  expect(await readdir(directory)).toContain(`${fileName}.part`)
  Object.assign(server.manners, { stallAfter: undefined, body: other, etag: '"new"' })
  const pulled = await pull()
  expect(server.seen.at(-1)?.ifRange).not.toBe('"new"')
  expect(await readFile(pulled.path)).toEqual(other)
})

test('an aborted pull keeps what came and continues later', async () => {
  server.manners.stallAfter = 400_000
  const controller = new AbortController()
  const pulling = pull({ signal: controller.signal })
  const arrived = async () => (await stat(join(directory, `${fileName}.part`)).catch(() => ({ size: 0 }))).size
  const aborting = (async () => {
    while ((await arrived()) === 0) await new Promise(resolve => setTimeout(resolve, 5))
    controller.abort()
  })()
  await expect(Promise.all([pulling, aborting])).rejects.toMatchObject({ code: 'cancelled' })
  server.manners.stallAfter = undefined
  await pull({ sha256: sumOf(model) })
  expect(server.seen.at(-1)?.range).toMatch(/^bytes=[1-9]/)
})

test('a silent server is given up and tried again', async () => {
  server.manners.stallAfter = 200_000
  const pulling = pull({ limits: { idleMs: 100, attemptsMax: 2 } })
  await expect(pulling).rejects.toMatchObject({ code: 'download_failed' })
  expect(server.seen).toHaveLength(2)
})

test('busy and failing servers are tried again, a bounded number of times', async () => {
  server.manners.statuses = [503, 500, 429]
  await pull({ sha256: sumOf(model) })
  expect(server.seen).toHaveLength(4)
  server.manners.statuses = Array.from({ length: 20 }, () => 502)
  const pulling = pull({ source: `${server.url}/other.gguf`, limits: { attemptsMax: 3 } })
  await expect(pulling).rejects.toMatchObject({ code: 'download_failed' })
  expect(server.seen).toHaveLength(7)
})

test('a missing or forbidden file is said so at once', async () => {
  server.manners.statuses = [404]
  await expect(pull()).rejects.toMatchObject({ code: 'not_found' })
  server.manners.statuses = [401]
  await expect(pull()).rejects.toMatchObject({ code: 'backend_refused' })
  expect(server.seen).toHaveLength(2)
})

test('a file with the wrong sum never appears under its name and is thrown away', async () => {
  const pulling = pull({ sha256: 'b'.repeat(64) })
  await expect(pulling).rejects.toMatchObject({ code: 'download_failed', details: { sha256: sumOf(model) } })
  expect(await readdir(directory)).toEqual([])
})

test('something else than a GGUF is thrown away', async () => {
  server.manners.body = Buffer.from('<!doctype html><p>please log in')
  await expect(pull()).rejects.toThrow(/not a GGUF/)
  expect(await readdir(directory)).toEqual([])
})

test('a part that is already whole is only checked', async () => {
  await pull({ limits: { idleMs: 1_000 } })
  await writeFile(join(directory, `${fileName}.part`), model)
  await writeFile(join(directory, `${fileName}.part.url`), JSON.stringify({ source: `${server.url}/models/tiny.gguf` }))
  await rm(join(directory, fileName))
  expect(await pull({ sha256: sumOf(model) })).toMatchObject({ verified: true })
  expect(server.seen.at(-1)?.range).toBe(`bytes=${model.length}-`)
})

test('too little room is said before the bytes come, with the numbers', async () => {
  const pulling = pull({ limits: { freeBytes: async () => model.length } })
  const neededBytes = Math.ceil(model.length * 1.1)
  await expect(pulling).rejects.toMatchObject({ code: 'disk_full', details: { neededBytes, freeBytes: model.length } })
})

test('more bytes than allowed are refused, announced or not', async () => {
  await expect(pull({ limits: { maxBytes: 1_000 } })).rejects.toMatchObject({ code: 'too_large' })
  server.manners.route = (_request, response) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(model)
    return true
  }
  await expect(pull({ limits: { maxBytes: 1_000 } })).rejects.toMatchObject({ code: 'download_failed' })
})

test('links in the place of the file or its part are not followed', async () => {
  const outside = join(directory, 'outside')
  await mkdir(join(directory, 'models'))
  const place = join(directory, 'models')
  await writeFile(outside, 'precious')
  await symlink(outside, join(place, `${fileName}.part`))
  await writeFile(join(place, `${fileName}.part.url`), JSON.stringify({ source: `${server.url}/models/tiny.gguf` }))
  await expect(pull({ directory: place })).rejects.toMatchObject({ code: 'conflict' })
  await rm(join(place, `${fileName}.part`))
  await symlink(outside, join(place, fileName))
  await expect(pull({ directory: place })).rejects.toMatchObject({ code: 'conflict' })
  expect(await readFile(outside, 'utf8')).toBe('precious')
})

test('two pulls of one model do not write into each other', async () => {
  server.manners.bytesPerTick = 16 * 1024
  const results = await Promise.allSettled([pull({ sha256: sumOf(model) }), pull({ sha256: sumOf(model) })])
  const failed = results.filter(result => result.status === 'rejected')
  expect(failed.map(({ reason }) => (reason as { code: string }).code)).toEqual(['conflict'])
  expect(await readFile(join(directory, fileName))).toEqual(model)
})

test('a lock left by a process that is gone does not last', async () => {
  await writeFile(join(directory, `${fileName}.lock`), '999999999\n')
  expect(await pull({ sha256: sumOf(model) })).toMatchObject({ verified: true })
})

test('a file of this machine is copied in and checked', async () => {
  const path = join(directory, 'My Model.gguf')
  await writeFile(path, model)
  const place = join(directory, 'models')
  const wrong = pull({ source: path, directory: place, sha256: 'c'.repeat(64) })
  await expect(wrong).rejects.toMatchObject({ code: 'download_failed' })
  const pulled = await pull({ source: path, directory: place, sha256: sumOf(model) })
  expect(pulled).toMatchObject({ name: 'My-Model.gguf', verified: true })
  const missing = pull({ source: join(directory, 'none.gguf'), directory: place })
  await expect(missing).rejects.toMatchObject({ code: 'not_found' })
})
