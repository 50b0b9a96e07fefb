import fc from 'fast-check'
import { expect, test } from 'vitest'
import { importedCallerKey, loadConfig, upstreamKey } from '../../src/config/index.ts'
import { jsonFault } from '../../src/config/json-fault.ts'
import { ParleyError } from '../../src/core/index.ts'
import { temporaryHome } from './home.ts'

const secret = 'sk-imported-canary-1'

function load(variables: Record<string, string>, files: Record<string, string> = {}) {
  const { env } = temporaryHome(files)
  const whole = { ...env, ...variables }
  return { env: whole, ...loadConfig({ env: whole }) }
}

test('servers of ENDPOINTS are upstreams behind those of the file, and their keys stay where they were', () => {
  const servers = [
    { url: 'http://127.0.0.1:1/v1', apiKey: secret, weight: 3 },
    { url: 'http://127.0.0.1:2/v1', apiKey: '', models: ['m'], priority: 2 },
  ]
  const file = '[[upstreams]]\nname = "own"\nurl = "http://127.0.0.1:3/v1"'
  const { config, env, origins } = load({ ENDPOINTS: JSON.stringify(servers), PORT: '3000' }, { 'config.toml': file })
  expect(config.upstreams).toMatchObject([
    { name: 'own' },
    { name: 'endpoint-1', kind: 'openai', keyEnv: 'ENDPOINTS[0]', weight: 3, priority: 1, models: [] },
    { name: 'endpoint-2', weight: 1, priority: 2, models: ['m'] },
  ])
  expect(config.upstreams[2]).not.toHaveProperty('keyEnv')
  expect(config.upstreams.map(upstream => upstreamKey(upstream, env))).toEqual([undefined, secret, undefined])
  expect(config).toMatchObject({ routing: { policy: 'weighted' }, http: { port: 3000 } })
  expect(origins.get('upstreams')).toEqual({ layer: 'environment', where: 'ENDPOINTS' })
  expect(JSON.stringify([config, [...origins]])).not.toContain(secret)
})

test('what a configuration says itself goes before the import', () => {
  const ENDPOINTS = JSON.stringify([{ url: 'http://127.0.0.1:1/v1' }])
  const { config } = load(
    { ENDPOINTS, PORT: '3000', PARLEY_HTTP_PORT: '3001' },
    { 'config.toml': '[routing]\npolicy = "fastest"' },
  )
  expect(config).toMatchObject({ routing: { policy: 'fastest' }, http: { port: 3001 } })
})

test('PORT and PROXY_API_KEY mean nothing without ENDPOINTS', () => {
  const { config, env } = load({ PORT: '3000', PROXY_API_KEY: 'k' })
  expect(config.http.port).toBe(7275)
  expect(importedCallerKey(env)).toBeUndefined()
  expect(importedCallerKey({ ENDPOINTS: '[]', PROXY_API_KEY: 'k' })).toBe('k')
})

test.each([
  [
    `[{"url": "http://a/v1", "apiKey": "${secret}"},, {}]`,
    /^ENDPOINTS is not JSON: .*position 58 \(line 1, column 59\)/,
  ],
  [`[{"url": "http://a/v1", "apiKey": "${secret}"`, /position 56 \(line 1, column 57\), its end/],
  [`[\n  {"apiKey": '${secret}'}\n]`, /position 15 \(line 2, column 14\)/],
  [`[{"url": "http://a/v1", "apiKey": "${secret}"},\n{"url": "${secret}"}]`, /^ENDPOINTS\[1\]\.url is a URL/],
  ['[{"url": "http://a/v1"}, {"url": "http://b", "wieght": 1}]', /^ENDPOINTS\[1\] has the unknown key wieght/],
  ['[{"apiKey": "k"}]', /^ENDPOINTS\[0\]\.url is missing/],
  ['[{"url": "http://a/v1", "weight": -1}]', /^ENDPOINTS\[0\]\.weight is too small/],
  ['{"url": "http://a/v1"}', /^ENDPOINTS is not a list/],
])('%s is an error that names the place and no key', (ENDPOINTS, message) => {
  const { env } = temporaryHome()
  const read = () => loadConfig({ env: { ...env, ENDPOINTS } })
  expect(read).toThrow(ParleyError)
  expect(read).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) }))
  expect(read).toThrow(expect.objectContaining({ message: expect.not.stringContaining(secret) }))
})

test('a mistake in the file is still looked for there', () => {
  const { env, file } = temporaryHome({ 'config.toml': '[[upstreams]]\nname = "own"' })
  const ENDPOINTS = JSON.stringify([{ url: 'http://127.0.0.1:1/v1' }])
  expect(() => loadConfig({ env: { ...env, ENDPOINTS } })).toThrow(
    `${file('config.toml')}: upstreams[0].url is missing`,
  )
})

test('a fault is found exactly where the text stops being JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom('', ',', '}', '"', 'x', '\\', '\n'), (json, nat, put) => {
      const at = nat % (json.length + 1)
      const text = json.slice(0, at) + put + json.slice(at + 1)
      const fault = jsonFault(text)
      expect(fault === undefined).toBe(isJson(text))
      // What stands before the fault can still be continued to something that is JSON up to there.
      if (fault !== undefined) expect(jsonFault(text.slice(0, fault))).toBeOneOf([undefined, fault])
    }),
    { numRuns: 2_000 },
  )
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
