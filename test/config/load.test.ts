import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { createConfig, createDirectories, loadConfig, resolvePaths } from '../../src/config/index.ts'
import { ParleyError } from '../../src/core/index.ts'
import { temporaryHome } from './home.ts'

test('an empty home gives the defaults', () => {
  const { env, home } = temporaryHome()
  const { config, origins } = loadConfig({ env })
  expect(config.http).toMatchObject({ host: '127.0.0.1', requireKey: true })
  expect(config.models.directory).toBe(`${home}/data/models`)
  expect([...origins.values()].every(({ layer }) => layer === 'default')).toBe(true)
})

test('the default port is none that other tools use', () => {
  const { env } = temporaryHome()
  expect([11434, 1234, 1337, 8080, 8000, 4000, 3000, 5173, 8545]).not.toContain(loadConfig({ env }).config.http.port)
})

test('flags win over environment, environment over profile, profile over file, file over defaults', () => {
  const { env, file } = temporaryHome({
    'config.toml': '[http]\nport = 1001\nconcurrency = 11\nperKeyConcurrency = 7\n[log]\nlevel = "error"',
    'profiles/travel.toml': '[http]\nport = 1002\nconcurrency = 12\n[log]\nlevel = "debug"',
  })
  const { config, origins } = loadConfig({
    env: { ...env, PARLEY_HTTP_PORT: '1003', PARLEY_HTTP_CONCURRENCY: '13' },
    flags: { 'http.port': '1004' },
    profile: 'travel',
  })
  expect(config.http).toMatchObject({ port: 1004, concurrency: 13, perKeyConcurrency: 7 })
  expect(config.log.level).toBe('debug')
  expect(origins.get('http.port')).toEqual({ layer: 'flag', where: '--http-port' })
  expect(origins.get('http.concurrency')).toEqual({ layer: 'environment', where: 'PARLEY_HTTP_CONCURRENCY' })
  expect(origins.get('log.level')).toEqual({ layer: 'profile', where: file('profiles/travel.toml') })
  expect(origins.get('http.perKeyConcurrency')).toEqual({ layer: 'file', where: file('config.toml') })
  expect(origins.get('http.host')).toEqual({ layer: 'default', where: 'default' })
})

test('lists in the environment are separated by commas or JSON', () => {
  const { env } = temporaryHome()
  const read = (text: string) =>
    loadConfig({ env: { ...env, PARLEY_HTTP_ALLOWED_HOSTS: text } }).config.http.allowedHosts
  expect(read('a.example, b.example,')).toEqual(['a.example', 'b.example'])
  expect(read('["a.example","b.example"]')).toEqual(['a.example', 'b.example'])
})

test('lists of tables come from the environment as JSON', () => {
  const { env } = temporaryHome()
  const upstreams = JSON.stringify([{ name: 'vllm', url: 'http://127.0.0.1:9/v1', keyEnv: 'VLLM_KEY' }])
  const { config } = loadConfig({ env: { ...env, PARLEY_UPSTREAMS: upstreams } })
  const vllm = {
    name: 'vllm',
    kind: 'openai',
    url: 'http://127.0.0.1:9/v1',
    keyEnv: 'VLLM_KEY',
    models: [],
    prices: [],
  }
  expect(config.upstreams).toEqual([vllm])
})

test.each([
  ['[http]\nprot = 1', /config\.toml: http\.prot is not a known key; did you mean http\.port\?/],
  ['[htpp]\nport = 1', /config\.toml: htpp is not a known key; did you mean http\?/],
  ['[spending]\nperRequst = "1"', /did you mean spending\.perRequest\?/],
  [
    '[[upstreams]]\nname = "a"\nulr = "http://a"',
    /upstreams\[0\]\.ulr is not a known key; did you mean upstreams\[0\]\.url\?/,
  ],
  ['[provider.modelPrices.big]\nonut = "1"', /did you mean provider\.modelPrices\.big\.out\?/],
])('an unknown key is an error that names the nearest: %j', (text, message) => {
  expect(failure({ 'config.toml': text }).message).toMatch(message)
})

test.each([
  ['[http]\nport = "many"', 'http.port is not a number'],
  ['[http]\nport = 70000', 'http.port is too large: give at most 65535'],
  ['[spending]\nperDay = 0.2', 'spending.perDay is an amount: write it in quotes, like "0.20"'],
  ['[spending]\nperDay = "-1"', 'spending.perDay is an amount in whole tokens'],
  ['[routing]\npolicy = "best"', 'routing.policy is none of "balanced"'],
  [
    '[provider.modelPrices.a]\nunit = "images"\nin = "1"',
    'provider.modelPrices.a.out is missing: images have no common price',
  ],
  ['[provider.modelPrices.a]\nunit = "seconds"', 'provider.modelPrices.a.in is missing: seconds have no common price'],
  [
    '[provider.modelPrices.a]\nunit = "characters"\nin = "1"\nout = "1"',
    'provider.modelPrices.a.out is for tokens: characters are paid by in',
  ],
  ['[provider.modelPrices.a]\nunit = "pages"', 'provider.modelPrices.a.unit is none of "tokens"'],
  ['[chain]\nrpcUrls = ["ftp://a"]', 'chain.rpcUrls[0] is a URL that starts with http'],
  ['[chain]\nrpcUrls = ["https://me:secret@a"]', 'holds no user name or password'],
  ['[chain]\nregistry = "0x12"', 'chain.registry is an address'],
  ['[[models.local]]\nid = "a"', 'models.local[0].path is missing'],
  ['[wallet]\npassword = "hunter2"', 'wallet.password is a secret'],
  ['[http\nport = 1', 'config.toml:1 cannot be read'],
  ['[chain]\ndeployment = "nowhere.json"', 'is not a deployment record'],
])('a wrong value is an error that says what is wanted: %j', (text, message) => {
  const error = failure({ 'config.toml': text })
  expect(error.code).toBe('config_invalid')
  expect(error.message).toContain(message)
})

test('every problem is named at once', () => {
  const error = failure({ 'config.toml': '[http]\nprot = 1\nport = "x"\n[log]\nlevel = "loud"' })
  expect(error.details?.problems).toHaveLength(3)
})

test('an unknown variable of a section is an error, one of another program is not', () => {
  const { env } = temporaryHome()
  expect(() => loadConfig({ env: { ...env, PARLEY_HTTP_PROT: '1' } })).toThrow(/did you mean PARLEY_HTTP_PORT\?/)
  expect(() => loadConfig({ env: { ...env, PARLEY_SERVICE_HOST: '10.0.0.1', HTTP_PROT: '1' } })).not.toThrow()
})

test('a file that is open to other machines needs a key and says so', () => {
  expect(failure({ 'config.toml': '[http]\nhost = "0.0.0.0"' }).message).toContain('http.allowRemote')
  const open = '[http]\nhost = "0.0.0.0"\nallowRemote = true\nrequireKey = false'
  expect(failure({ 'config.toml': open }).message).toContain('anybody could spend your money')
  const { env } = temporaryHome({ 'config.toml': '[http]\nhost = "0.0.0.0"\nallowRemote = true' })
  expect(loadConfig({ env }).config.http.host).toBe('0.0.0.0')
})

test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('%s is loopback and may do without a key', host => {
  const { env } = temporaryHome()
  const { config } = loadConfig({ env: { ...env, PARLEY_HTTP_HOST: host, PARLEY_HTTP_REQUIRE_KEY: 'no' } })
  expect(config.http.requireKey).toBe(false)
})

test('secrets have no flag', () => {
  const { env } = temporaryHome()
  expect(() => loadConfig({ env, flags: { 'wallet.password': 'hunter2' } })).toThrow(
    /cannot be given on the command line/,
  )
})

test('a deployment record fills in the chain, and the configuration wins over it', () => {
  const [registry, escrow, other] = ['1', '2', '3'].map(digit => `0x${digit.repeat(40)}` as const)
  const record = JSON.stringify({ chainId: 84_532, registry, escrow, deployedAtBlock: 7, minStake: '5' })
  const { env, file } = temporaryHome({
    'deployments/84532.json': record,
    'config.toml': `[chain]\ndeployment = "deployments/84532.json"\nescrow = "${other}"`,
  })
  const { config, origins } = loadConfig({ env })
  expect(config.chain).toMatchObject({ id: 84_532, registry, escrow: other })
  expect(origins.get('chain.id')).toEqual({ layer: 'deployment', where: file('deployments/84532.json') })
  expect(origins.get('chain.escrow')?.layer).toBe('file')
})

test('a record named by a flag is looked for where the command runs', () => {
  const { env, file } = temporaryHome({ 'record.json': '{"chainId": 1}' })
  const flags = { 'chain.deployment': relative('.', file('record.json')) }
  expect(() => loadConfig({ env, flags })).toThrow(/it lacks chainId, registry or escrow/)
})

test('a file or profile that was named must exist', () => {
  const { env } = temporaryHome()
  expect(() => loadConfig({ env, file: '/nowhere/config.toml' })).toThrow(/does not exist/)
  expect(() => loadConfig({ env, profile: 'gone' })).toThrow(/profile 'gone'/)
  expect(() => loadConfig({ env, profile: '../../etc/passwd' })).toThrow(/not the name of a profile/)
})

test('a program can make a configuration from a value', () => {
  const paths = resolvePaths({ PARLEY_HOME: '/tmp/elsewhere' })
  expect(createConfig({ http: { port: 0 } }, paths).http.port).toBe(0)
  expect(() => createConfig({ http: { port: -1 } }, paths)).toThrow(ParleyError)
})

test('a key called __proto__ reaches nothing', () => {
  expect(failure({ 'config.toml': '__proto__ = { polluted = 1 }' }).code).toBe('config_invalid')
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})

test('directories follow XDG, and PARLEY_HOME overrides all of it', () => {
  const xdg = { HOME: '/home/a', XDG_STATE_HOME: '/state', XDG_DATA_HOME: 'relative' }
  expect(resolvePaths(xdg)).toMatchObject({
    configFile: '/home/a/.config/parley/config.toml',
    walletsDirectory: '/home/a/.local/share/parley/wallets',
    nodeFile: '/state/parley/run/node.json',
  })
  expect(resolvePaths({ ...xdg, PARLEY_HOME: '/p' })).toMatchObject({
    configFile: '/p/config.toml',
    walletsDirectory: '/p/data/wallets',
    nodeFile: '/p/state/run/node.json',
  })
})

test('a new home has the directory its configuration goes to', () => {
  const { home } = temporaryHome()
  createDirectories(resolvePaths({ HOME: join(home, 'new') }))
  expect(existsSync(join(home, 'new/.config/parley'))).toBe(true)
})

function failure(files: Readonly<Record<string, string>>): ParleyError {
  const { env } = temporaryHome(files)
  try {
    loadConfig({ env })
  } catch (error) {
    if (error instanceof ParleyError) return error
    throw error
  }
  throw new ParleyError('internal', 'the configuration was accepted')
}
