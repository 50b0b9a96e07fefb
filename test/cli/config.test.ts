import { readdirSync } from 'node:fs'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { configKeys, createConfig, exampleConfig, resolvePaths } from '../../src/config/index.ts'
import { parleyHome } from './parley.ts'

test('config show --origin names the place of every value', async () => {
  const { run, file } = parleyHome({ 'config.toml': '[http]\nconcurrency = 9' })
  const { code, stdout, stderr } = await run(['config', 'show', '--origin', '--log-level', 'debug'], {
    env: { PARLEY_HTTP_PORT: '7999' },
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const row = (key: string) =>
    stdout
      .split('\n')
      .find(line => line.startsWith(`${key} `))
      ?.split(/ {2,}/)
  expect(row('http.concurrency')).toEqual(['http.concurrency', '9', file('config.toml')])
  expect(row('http.port')).toEqual(['http.port', '7999', 'PARLEY_HTTP_PORT'])
  expect(row('log.level')).toEqual(['log.level', '"debug"', '--log-level'])
  expect(row('models.nano')).toEqual(['models.nano', 'true', 'default'])
})

test('config show --json has every key and no secret', async () => {
  const { json } = parleyHome()
  const env = { PARLEY_WALLET_PASSWORD: 'hunter2-canary' }
  const { value, code } = await json(['config', 'show', '--origin'], { env })
  expect(code).toBe(0)
  expect(value).toMatchObject({ v: 1, values: { 'http.port': 7275, 'wallet.password': '(set)' } })
  expect(Object.keys(value?.values ?? {})).toEqual(configKeys.map(({ path }) => path))
  expect(JSON.stringify(value)).not.toContain('hunter2-canary')
})

test('an unknown key ends with exit 3 and names the nearest in three parts', async () => {
  const { run, file } = parleyHome({ 'config.toml': '[http]\nprot = 1' })
  const { code, stdout, stderr } = await run(['config', 'check'])
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toBe(
    `error: ${file('config.toml')}: http.prot is not a known key\n` +
      '  why: the configuration is not valid (config_invalid)\n  next: did you mean http.port?\n',
  )
})

test('listening for other machines without a key is refused before anything starts', async () => {
  const { run } = parleyHome()
  const { code, stderr } = await run(['config', 'check', '--http-host', '0.0.0.0', '--no-http-require-key'])
  expect(code).toBe(3)
  expect(stderr).toContain('anybody could spend your money')
})

test('a failure with --json is one line of JSON on stderr', async () => {
  const { json } = parleyHome()
  const { code, stderr, value } = await json(['config', 'check'], { env: { PARLEY_HTTP_PORT: 'x' } })
  expect({ code, value }).toEqual({ code: 3, value: undefined })
  expect(JSON.parse(stderr)).toMatchObject({ v: 1, error: { code: 'config_invalid' } })
})

test('a boolean key is a switch both ways', async () => {
  const { json } = parleyHome()
  const nano = async (...flags: string[]) => (await json(['config', 'show', ...flags])).value?.values?.['models.nano']
  expect([await nano('--no-models-nano'), await nano('--models-nano')]).toEqual([false, true])
})

test('the example is the defaults, and stays so when its lines are uncommented', () => {
  const paths = resolvePaths({ PARLEY_HOME: '/nowhere' })
  const defaults = createConfig({}, paths)
  expect(createConfig(parse(exampleConfig()), paths)).toEqual(defaults)
  const all = exampleConfig().replaceAll(/^# (\[{1,2}[\w."-]+\]{1,2}|\w+ = .*)$/gm, '$1')
  const { deployment: _, ...chain } = (parse(all) as { chain: Record<string, unknown> }).chain
  const { chain: __, wallet, models, ...read } = createConfig({ ...parse(all), chain }, paths)
  expect(read.http).toEqual(defaults.http)
  expect(read.timeouts).toEqual(defaults.timeouts)
  expect(wallet.passwordFile).toBeTypeOf('string')
  expect(models.local).toHaveLength(1)
})

test('reading a configuration writes nothing', async () => {
  const { run, home } = parleyHome()
  for (const args of [['config', 'show'], ['config', 'example'], []]) expect((await run(args)).code).toBe(0)
  expect(readdirSync(home)).toEqual([])
})
