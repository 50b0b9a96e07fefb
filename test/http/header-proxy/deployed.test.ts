import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startUpstream, type Upstream } from './upstream.ts'

const run = promisify(execFile)
const page = 'https://chat.example.com'

let folder: string
let upstream: Upstream
beforeAll(async () => {
  // Far from every node_modules.
  folder = mkdtempSync(join(tmpdir(), 'parley-proxy-'))
  upstream = await startUpstream()
  await run(process.execPath, ['scripts/header-proxy.ts', folder])
}, 30_000)
afterAll(async () => {
  await upstream.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs a module beside the built files and gives what it prints as its last line. */
async function outcome(source: string): Promise<{ said: Record<string, never>; logged: string }> {
  writeFileSync(join(folder, 'try.mjs'), source)
  const variables = { ALLOW_HOSTS: `${upstream.host}, api.example.com`, ALLOW_ORIGINS: page, ALLOW_LOOPBACK: 'true' }
  const env = { PATH: process.env.PATH, ...variables }
  const { stdout } = await run(process.execPath, ['try.mjs'], { cwd: folder, env, timeout: 10_000 })
  const lines = stdout.trim().split('\n')
  return { said: JSON.parse(lines.at(-1)!) as Record<string, never>, logged: lines.slice(0, -1).join('\n') }
}

test('each is one file that imports nothing but Node, and the worker not even that', () => {
  const importsOf = (name: string) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/^import .*?from "([^"]+)"/gm)].map(([, from]) => from)
  expect(importsOf('worker.mjs')).toEqual([])
  expect(importsOf('lambda.mjs').length).toBeGreaterThan(0)
  expect(importsOf('lambda.mjs').filter(from => !from!.startsWith('node:'))).toEqual([])
  const worker = readFileSync(join(folder, 'worker.mjs'), 'utf8')
  expect(/node:|\brequire\(|\bprocess\.env|\bBuffer\./.exec(worker)?.[0]).toBeUndefined()
})

test('the worker answers', async () => {
  const { said, logged } = await outcome(`
    import worker from './worker.mjs'
    const ask = async (target, init = {}) => {
      const headers = { origin: '${page}', authorization: 'Bearer sk-secret', ...init.headers }
      const response = await worker.fetch(new Request('https://proxy.example/' + target, { ...init, headers }), process.env)
      return [response.status, await response.text(), response.headers.get('access-control-allow-origin')]
    }
    const body = '{"model":"m"}'
    console.log(JSON.stringify({
      good: await ask('${upstream.origin}/v1/chat', { method: 'POST', body, headers: { cookie: 'a=b' } }),
      stream: await ask('${upstream.origin}/stream'),
      moved: await ask('${upstream.origin}/moved'),
      preflight: await ask('${upstream.origin}/', { method: 'OPTIONS' }),
      inside: await ask('https://169.254.169.254/'),
      foreign: await ask('${upstream.origin}/', { headers: { origin: 'https://evil.example' } }),
    }))`)
  expect(said).toMatchObject({
    good: [200, '{"ok":true,"url":"/v1/chat"}', page],
    stream: [200, expect.stringMatching(/data: 0 [\s\S]*\[DONE\]/), page],
    moved: [502, expect.stringContaining('backend_failed'), page],
    preflight: [204, '', page],
    inside: [403, expect.stringContaining('forbidden'), page],
    foreign: [403, expect.stringContaining('forbidden'), null],
  })
  expect(upstream.asked[0]).toMatchObject({ method: 'POST', body: '{"model":"m"}' })
  expect(upstream.asked[0]!.headers.cookie).toBeUndefined()
  expect(logged).toContain(`"host":"${upstream.host}"`)
  expect(logged).not.toContain('sk-secret')
})

describe('the function', () => {
  const event = (path: string, more: object = {}) =>
    JSON.stringify({
      rawPath: path,
      rawQueryString: 'x=1',
      headers: { origin: page, authorization: 'Bearer sk-secret' },
      requestContext: { stage: '$default', http: { method: 'GET', sourceIp: '198.51.100.7' } },
      ...more,
    })

  test('gives an answer at once', async () => {
    const post = event(`/prod/${upstream.origin}/v1/chat`, {
      body: Buffer.from('{"model":"m"}').toString('base64'),
      isBase64Encoded: true,
      requestContext: { stage: 'prod', http: { method: 'POST' } },
    })
    const { said, logged } = await outcome(`
      import { handler, streamHandler } from './lambda.mjs'
      const ask = async event => {
        const { statusCode, headers, body, isBase64Encoded } = await handler(event)
        return [statusCode, Buffer.from(body, 'base64').toString(), headers['access-control-allow-origin'], isBase64Encoded]
      }
      console.log(JSON.stringify({
        good: await ask(${post}),
        oneSlash: await ask(${event(`/${upstream.origin.replace('//', '/')}/v1/models`)}),
        inside: await ask(${event('/https://10.0.0.1/')}),
        streams: streamHandler !== undefined,
      }))
      process.exit()`)
    expect(said).toMatchObject({
      good: [200, '{"ok":true,"url":"/v1/chat?x=1"}', page, true],
      oneSlash: [200, '{"ok":true,"url":"/v1/models?x=1"}', page, true],
      inside: [403, expect.stringContaining('forbidden'), page, true],
      streams: false,
    })
    expect(logged).not.toContain('sk-secret')
  })

  test('streams where the runtime can', async () => {
    const { said } = await outcome(`
      const pieces = []
      globalThis.awslambda = {
        streamifyResponse: work => work,
        HttpResponseStream: { from: (sink, head) => (pieces.push(head.statusCode), sink) },
      }
      const { streamHandler } = await import('./lambda.mjs')
      const sink = { write: piece => (pieces.push(Buffer.from(piece).toString()), true), once: () => {}, end: () => pieces.push('end') }
      await streamHandler(${event(`/${upstream.origin}/stream`)}, sink)
      console.log(JSON.stringify({ pieces }))
      process.exit()`)
    const { pieces } = said as unknown as { pieces: unknown[] }
    expect(pieces[0]).toBe(200)
    expect(pieces.at(-1)).toBe('end')
    expect(pieces.length).toBeGreaterThan(4)
  })

  test('who leaves a stream stops the upstream', async () => {
    const { said } = await outcome(`
      globalThis.awslambda = { streamifyResponse: work => work, HttpResponseStream: { from: sink => sink } }
      const { streamHandler } = await import('./lambda.mjs')
      const listeners = []
      const leave = () => listeners.forEach(each => each())
      const sink = { write: () => (setImmediate(leave), true), once: (name, heard) => name === 'close' && listeners.push(heard), end: () => {} }
      const ended = await Promise.race([
        streamHandler(${event(`/${upstream.origin}/forever`, { rawQueryString: '' })}, sink).then(() => 'ended'),
        new Promise(resolve => setTimeout(resolve, 5_000, 'still there')),
      ])
      console.log(JSON.stringify({ ended }))
      process.exit()`)
    expect(said).toEqual({ ended: 'ended' })
    await expect.poll(upstream.aborted).toBe(1)
  })
})
