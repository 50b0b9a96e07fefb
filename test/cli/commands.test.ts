import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { allCommands, createProgram } from '../../src/cli/program.ts'
import { parleyHome } from './parley.ts'

test('parley alone says what is there and what to do next', async () => {
  const { run, json } = parleyHome()
  const { code, stdout } = await run([])
  expect(code).toBe(0)
  expect(stdout).toMatch(/node +not running/)
  expect(stdout).toContain('parley up')
  expect((await json([])).value).toMatchObject({ v: 1, running: null, configuration: null, hasWallet: false })
})

test('every command has a description, and help shows examples', async () => {
  const undescribed = allCommands(createProgram()).filter(command => command.description() === '')
  expect(undescribed.map(command => command.name())).toEqual([])
  const { run } = parleyHome()
  const { code, stdout } = await run(['--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('Examples:')
})

test('starting the program loads only what every command needs', () => {
  expect([...packagesLoadedBy('src/cli/main.ts')].sort()).toEqual(['commander', 'smol-toml', 'zod'])
})

test.each([
  [['frobnicate'], "there is no command 'frobnicate'"],
  [['stat'], 'did you mean parley status?'],
  [['models', 'extra'], 'too many arguments'],
  [['config', 'show', '--http-prot', '1'], 'did you mean --http-port?'],
  [['chat'], "missing required argument 'model'"],
])('wrong use of %j ends with exit 2', async (args, message) => {
  const { run } = parleyHome()
  const { code, stdout, stderr } = await run(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(message)
})

test.each([['status'], ['models'], ['chat', 'nano', 'hello']])(
  'without a node, %s says how to start one',
  async (...args) => {
    const { run } = parleyHome()
    const { code, stderr } = await run(args)
    expect(code).toBe(7)
    expect(stderr).toContain('start one with `parley up`')
  },
)

test('a node file of a process that is gone counts as no node', async () => {
  const gone = JSON.stringify({ pid: 2 ** 30, url: 'http://127.0.0.1:9', token: 'x' })
  const { run } = parleyHome({ 'state/run/node.json': gone })
  expect((await run(['status'])).code).toBe(7)
})

test('a new wallet is made without a terminal when a file holds the password', async () => {
  const { run, json, file } = parleyHome({ password: 'correct horse battery' })
  const made = await json(['wallet', 'new', 'main', '--password-file', file('password')])
  expect(made.code).toBe(0)
  expect(made.value).toMatchObject({ v: 1, alias: 'main', address: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/) })
  expect(statSync(file('data/wallets')).mode & 0o777).toBe(0o700)
  expect(statSync(file('data/wallets/main')).mode & 0o777).toBe(0o600)
  expect((await run(['wallet', 'new', 'main', '--password-file', file('password')])).code).toBe(9)
  const listed = await json(['wallet', 'list'])
  expect(listed.value).toMatchObject({ v: 1, wallets: [{ alias: 'main', address: made.value!.address }] })
})

test('a private key comes in through standard input and its address is the known one', async () => {
  const { json, file } = parleyHome({ password: 'correct horse battery' })
  const input = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n'
  const { value } = await json(['wallet', 'import', 'dev', '--password-file', file('password')], { input })
  expect(value).toMatchObject({ address: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266' })
})

test('without a terminal a question is an error that names the flag', async () => {
  const { run } = parleyHome()
  const { code, stderr } = await run(['wallet', 'new'])
  expect(code).toBe(4)
  expect(stderr).toContain('--password-file')
})

test('a key is shown once, listed without its secret and gone when revoked', async () => {
  const { run, json } = parleyHome()
  const { stdout } = await run(['key', 'new', 'editor'])
  const secret = stdout.trim()
  expect(secret).toMatch(/^sk-parley-[\w-]{20,}$/)
  const before = await json(['key', 'list'])
  expect(before.value).toMatchObject({ v: 1, keys: [{ name: 'editor', tail: secret.slice(-4) }] })
  expect(JSON.stringify(before.value)).not.toContain(secret)
  const [{ id }] = before.value!.keys as unknown as [{ id: string }]
  expect((await run(['key', 'revoke', id])).code).toBe(0)
  expect((await json(['key', 'list'])).value).toMatchObject({ keys: [{ id, revokedAt: expect.any(Number) }] })
  expect((await run(['key', 'revoke', 'key-none'])).code).toBe(7)
})

/** Every package reached by static imports, followed through our own files. */
function packagesLoadedBy(entry: string): Set<string> {
  const packages = new Set<string>()
  const seen = new Set<string>()
  const follow = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    const statements = readFileSync(file, 'utf8').matchAll(
      /(?:^|\n)(?:import|export) (?!type\b)[^'"`;]*?from '([^']+)'/g,
    )
    for (const [, specifier] of statements) {
      if (specifier!.startsWith('.')) follow(join(dirname(file), specifier!))
      else if (!specifier!.startsWith('node:')) packages.add(specifier!)
    }
  }
  follow(entry)
  return packages
}
