import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startUpstream } from '../http/header-proxy/upstream.ts'
import { parleyHome, startParley } from './parley.ts'

const page = 'https://chat.example.com'

test('it runs until it is told to stop, and says what was asked without a key', async () => {
  const { home } = parleyHome()
  const upstream = await startUpstream()
  onTestFinished(upstream.stop)
  const secretFile = join(home, 'secret')
  writeFileSync(secretFile, 'open sesame\n')
  const args = ['proxy', '--port', '0', '--allow-loopback', '--allow-host', upstream.host, 'api.example.com']
  const { child, ended, said } = startParley(home, [
    ...args,
    '--allow-origin',
    page,
    '--secret-file',
    secretFile,
    '--json',
  ])
  onTestFinished(() => void child.kill('SIGKILL'))
  await expect.poll(() => said().stdout, { timeout: 10_000 }).toContain('\n')
  const { v, url, allowHosts } = JSON.parse(said().stdout) as { v: number; url: string; allowHosts: string[] }
  expect([v, allowHosts]).toEqual([1, [upstream.host, 'api.example.com']])
  const headers = { origin: page, authorization: 'Bearer sk-key-of-mine', 'x-proxy-secret': 'open sesame' }
  const response = await fetch(`${url}/${upstream.origin}/v1/models`, { headers })
  expect(await response.json()).toEqual({ ok: true, url: '/v1/models' })
  expect((await fetch(`${url}/${upstream.origin}/`, { headers: { ...headers, 'x-proxy-secret': 'x' } })).status).toBe(
    401,
  )
  child.kill('SIGTERM')
  const { code, stderr } = await ended
  expect(code).toBe(0)
  expect(stderr).toContain(`"host":"${upstream.host}","status":200`)
  expect(stderr).not.toMatch(/sk-key-of-mine|open sesame|v1\/models/)
})

test('what is used wrongly is said', async () => {
  const { run } = parleyHome()
  const good = ['proxy', '--allow-host', 'api.example.com', '--allow-origin', page]
  const wrong: [string[], string][] = [
    [['proxy', '--allow-origin', page], '--allow-host'],
    [['proxy', '--allow-host', 'https://api.example.com', '--allow-origin', page], 'is no host'],
    [['proxy', '--allow-host', 'api.example.com', '--allow-origin', `${page}/path`], 'is no origin'],
    [[...good, '--port', '70000'], '--port'],
    [[...good, '--secret-file', '/nowhere/at/all'], 'cannot be read'],
  ]
  const ended = await Promise.all(wrong.map(([args]) => run(args)))
  for (const [at, { code, stderr }] of ended.entries()) {
    expect([code, stderr]).toEqual([2, expect.stringContaining(wrong[at]![1])])
  }
})
