import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type PullOptions, pullModel } from '../../src/jobs/index.ts'
import { modelServer, sumOf } from './model-server.ts'

const model = Buffer.concat([Buffer.from('GGUF'), randomBytes(50_000)])

let directory: string
let hub: Awaited<ReturnType<typeof modelServer>>
let store: Awaited<ReturnType<typeof modelServer>>

/** A hub that lists files and sends the reader on to a store, as the real one does. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-hub-'))
  store = await modelServer(model, '127.0.0.2')
  hub = await modelServer(model)
  hub.manners.route = (request, response) => {
    if (request.url?.startsWith('/api/models/')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(listing))
    } else {
      const linked = { 'x-linked-etag': `"${linkedSum}"`, 'x-linked-size': `${model.length}` }
      response.writeHead(302, { location: `${store.url}/blob?signature=1`, ...linked }).end()
    }
    return true
  }
  linkedSum = sumOf(model)
  listing = [
    { type: 'file', path: 'README.md', size: 10 },
    { type: 'file', path: 'tiny-Q4_K_M.gguf', size: model.length, lfs: { oid: sumOf(model), size: model.length } },
    { type: 'file', path: 'tiny-Q4_K_M_L.gguf', size: 5, lfs: { oid: 'f'.repeat(64), size: 5 } },
    { type: 'file', path: 'mmproj-tiny-Q8_0.gguf', size: 5 },
    { type: 'file', path: '../../escape-Q8_0.gguf', size: 5 },
  ]
})
afterEach(async () => {
  await hub.close()
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

let listing: unknown[]
let linkedSum: string

function pull(source: string, more: Partial<PullOptions> = {}) {
  const environment = { HF_ENDPOINT: hub.url, HF_TOKEN: 'hf_secret' }
  const signal = new AbortController().signal
  return pullModel({ source, directory, signal, environment, limits: { retryBaseMs: 1 }, ...more })
}

test('a file of the hub is verified by the sum the hub names', async () => {
  const pulled = await pull('hf:someone/tiny-GGUF/sub/tiny.gguf')
  expect(pulled).toMatchObject({ name: 'someone--tiny-GGUF--sub--tiny.gguf', verified: true, sha256: sumOf(model) })
  expect(hub.seen.map(({ path }) => path)).toEqual(['/someone/tiny-GGUF/resolve/main/sub/tiny.gguf'])
})

test('a quantisation is found in the list of files', async () => {
  const pulled = await pull('hf:someone/tiny-GGUF:q4_k_m#v2')
  expect(pulled.name).toBe('someone--tiny-GGUF--tiny-Q4_K_M.gguf')
  expect(hub.seen[1]?.path).toBe('/someone/tiny-GGUF/resolve/v2/tiny-Q4_K_M.gguf')
})

test('a quantisation that is not there names those that are; unsafe paths of a list are never taken', async () => {
  await expect(pull('hf:someone/tiny-GGUF:Q8_0')).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('tiny-Q4_K_M.gguf') as string,
  })
})

test('all parts of a split model come, in one call', async () => {
  const parts = ['big-Q8_0-00001-of-00002.gguf', 'big-Q8_0-00002-of-00002.gguf']
  listing = parts.map(path => ({
    type: 'file',
    path,
    size: model.length,
    lfs: { oid: sumOf(model), size: model.length },
  }))
  const pulled = await pull('hf:someone/big:Q8_0')
  expect(pulled).toMatchObject({ name: `someone--big--${parts[0]}`, sizeBytes: 2 * model.length, verified: true })
  expect((await readdir(directory)).filter(name => name.endsWith('.gguf'))).toHaveLength(2)
})

test('a hub whose sum contradicts the caller is not even downloaded from', async () => {
  await expect(pull('hf:someone/tiny/tiny.gguf', { sha256: 'd'.repeat(64) })).rejects.toMatchObject({
    code: 'download_failed',
  })
})

test('bytes that do not match the sum of the hub are thrown away', async () => {
  linkedSum = 'e'.repeat(64)
  await expect(pull('hf:someone/tiny/tiny.gguf')).rejects.toMatchObject({ code: 'download_failed' })
  expect((await readdir(directory)).filter(name => name.endsWith('.gguf'))).toEqual([])
})

test('the token goes to the hub and nowhere else', async () => {
  await pull('hf:someone/tiny-GGUF:Q4_K_M')
  expect(hub.seen.map(({ authorization }) => authorization)).toEqual(['Bearer hf_secret', 'Bearer hf_secret'])
  expect(store.seen.map(({ authorization }) => authorization)).toEqual([undefined])
  await pull(`${store.url}/direct.gguf`)
  expect(store.seen.at(-1)?.authorization).toBeUndefined()
})

test('no file or note holds the token', async () => {
  await pull('hf:someone/tiny-GGUF:Q4_K_M')
  for (const name of await readdir(directory))
    expect(await readFile(join(directory, name), 'utf8')).not.toContain('hf_secret')
})

test('redirects to plain http elsewhere, to other schemes and in circles are refused', async () => {
  for (const location of [
    'http://192.0.2.1/x.gguf',
    'file:///etc/passwd',
    'ftp://192.0.2.1/x',
    'https://me:pw@192.0.2.1/x',
    'http://[',
    '/again',
  ]) {
    hub.manners.route = (_request, response) => {
      response.writeHead(307, { location }).end()
      return true
    }
    await expect(pull(`hf:someone/tiny/${encodeURIComponent(location).length}.gguf`)).rejects.toMatchObject({
      code: 'download_failed',
    })
  }
})

test('a redirect from the outside to this machine is refused', async () => {
  const outside: typeof fetch = async () =>
    new Response(null, { status: 302, headers: { location: `${store.url}/internal.gguf` } })
  const pulling = pull('https://models.example/tiny.gguf', { fetch: outside })
  await expect(pulling).rejects.toMatchObject({ code: 'download_failed' })
  expect(store.seen).toEqual([])
})

test('a list that makes no sense is refused', async () => {
  hub.manners.route = (_request, response) => {
    response.end(answer)
    return true
  }
  let answer = ''
  for (answer of ['', '{}', '<html>', '5', `[${'1,'.repeat(20_000)}1]`, ' '.repeat(9_000_000)]) {
    await expect(pull('hf:someone/tiny:Q8_0')).rejects.toMatchObject({ code: 'download_failed' })
  }
  answer = '[null, 5, {"path": 5}, {"type": "file", "path": "a.gguf", "lfs": 3, "size": "x"}]'
  await expect(pull('hf:someone/tiny:Q8_0')).rejects.toMatchObject({ code: 'not_found' })
})
