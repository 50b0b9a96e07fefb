import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startGateway, startService } from './gateway.ts'
import { freePort } from './stage.ts'

const [firstKey, secondKey, callerKey] = ['sk-first-canary-1', 'sk-second-canary-2', 'callers-canary-3']

test('priority 1 of ENDPOINTS gets all calls, shared by weight, and priority 2 the rest when all of it fails', async () => {
  const [a, b, c] = [
    await startService('a', { models: ['m'], key: firstKey }),
    await startService('b', { models: ['m', 'other'], key: secondKey }),
    await startService('c', { models: ['m'] }),
  ]
  const servers = [
    { url: a.url, apiKey: firstKey, priority: 1, weight: 3 },
    { url: b.url, apiKey: secondKey, priority: 1, weight: 1, models: ['m'] },
    { url: c.url, priority: 2, weight: 1 },
  ]
  const env = { ENDPOINTS: JSON.stringify(servers), PROXY_API_KEY: callerKey }
  const { node, ask, models, lines, paths } = await startGateway({}, { env })
  expect(await models()).toEqual(['m'])

  const calls = 480
  for (let batch = 0; batch < calls / 8; batch++) await Promise.all(Array.from({ length: 8 }, () => ask('m')))
  expect([a.asked.length + b.asked.length, c.asked.length]).toEqual([calls, 0])
  // Five standard deviations of so many calls; the draw itself is held to 2 % in the tests of the ranking.
  expect(Math.abs(a.asked.length / calls - 0.75)).toBeLessThan(0.1)

  expect(await ask('m', {}, callerKey)).toMatch(/^[ab]$/)
  expect(await ask('m', {}, `${callerKey}x`)).toBe('401 unauthorized')
  await Promise.all([a.stop(), b.stop()])
  for (let call = 0; call < 5; call++) expect(await ask('m')).toBe('c')

  await node.stop()
  const kept = [...lines, ...filesUnder(paths.dataDirectory), ...filesUnder(paths.stateDirectory)].join('\n')
  for (const secret of [firstKey, secondKey, callerKey]) expect(kept).not.toContain(secret)
}, 40_000)

test('where it listens is PORT', async () => {
  const a = await startService('a', { models: ['m'] })
  const port = await freePort()
  const env = { ENDPOINTS: JSON.stringify([{ url: a.url }]), PORT: String(port) }
  const { node, ask } = await startGateway({}, { env })
  expect(node.url).toBe(`http://127.0.0.1:${port}/v1`)
  expect(await ask('m')).toBe('a')
})

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile())
    .map(path => readFileSync(path, 'latin1'))
}
