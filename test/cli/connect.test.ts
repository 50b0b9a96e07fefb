import { execFile } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apps } from '../../src/cli/connect/apps.ts'
import { mergeJsonc, parseJsonc } from '../../src/cli/connect/jsonc.ts'
import { shellWord, toYaml } from '../../src/cli/connect/quote.ts'
import { temporaryHome } from '../config/home.ts'
import { parleyHome, startParley } from './parley.ts'

interface Shown {
  baseUrl: string
  model: string
  apiKey: string
  keyId: string | null
  isRunning: boolean
  inline: { title: string; text: string }[]
  files: { path: string; state: string; text: string; changes: string[]; backup?: string; reason?: string }[]
  next: { title: string; text: string }[]
}

/** A person: a home directory with files, a home of a node, and the commands run there. */
function person(files: Readonly<Record<string, string>> = {}) {
  const node = parleyHome()
  const { home, file } = temporaryHome(files)
  const env = { HOME: home, XDG_CONFIG_HOME: '', CODEX_HOME: '' }
  const connect = async (...args: string[]) => {
    const { code, value, stderr } = await node.json(['connect', ...args], { env, cwd: home })
    return { code, stderr, shown: value as unknown as Shown }
  }
  const put = (name: string, text: string) => {
    mkdirSync(dirname(file(name)), { recursive: true })
    writeFileSync(file(name), text)
  }
  const read = (name: string) => readFileSync(file(name), 'utf8')
  const run = (args: string[], input?: string) =>
    node.run(args, { env, cwd: home, ...(input !== undefined && { input }) })
  return { home, file, put, read, connect, run, keys: async () => keysOf((await node.json(['key', 'list'])).value) }
}

const keysOf = (value: unknown) => (value as { keys: { name: string; id: string }[] }).keys.map(({ name }) => name)
const mode = (path: string) => statSync(path).mode & 0o777

describe('beside a running node', () => {
  let home: string
  let baseUrl: string
  let stop: (() => Promise<unknown>) | undefined
  let remove: () => void

  beforeAll(async () => {
    const { mkdtempSync, rmSync } = await import('node:fs')
    const { tmpdir } = await import('node:os')
    home = mkdtempSync(join(tmpdir(), 'parley-test-'))
    remove = () => rmSync(home, { recursive: true, force: true })
    const { child, ended } = startParley(home, ['up', '--http-port', '0', '--json'])
    const line = await Promise.race([
      new Promise<string>(resolve => createInterface({ input: child.stdout }).once('line', resolve)),
      ended.then(({ stderr }) => Promise.reject(new TypeError(`it ended: ${stderr}`))),
    ])
    baseUrl = (JSON.parse(line) as { baseUrl: string }).baseUrl
    stop = () => {
      child.kill('SIGTERM')
      return ended
    }
  }, 60_000)

  afterAll(async () => {
    await stop?.()
    remove()
  })

  const shownFor = async (app: string) => {
    const { code, stdout, stderr } = await startParley(home, ['connect', app, '--json']).ended
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout) as Shown
  }

  test('curl: what is printed runs as it is and is answered', async () => {
    const { inline, isRunning } = await shownFor('curl')
    expect(isRunning).toBe(true)
    const { stdout } = await promisify(execFile)('bash', ['-c', inline[0]!.text])
    expect(JSON.parse(stdout)).toMatchObject({ model: 'parley-nano', choices: [{ message: { role: 'assistant' } }] })
  }, 30_000)

  test.each(['openai-node', 'langchain-js'])(
    '%s: the code that is printed runs and prints the answer',
    async app => {
      const { inline, model } = await shownFor(app)
      expect(model).toBe('parley-nano')
      const [shell, code] = inline
      const env = { ...process.env, CODE: code!.text, LANGCHAIN_TRACING_V2: 'false' }
      const script = `${shell!.text}\nexec ${shellWord(process.execPath)} --input-type=module -e "$CODE"`
      const { stdout } = await promisify(execFile)('bash', ['-c', script], { env })
      expect(stdout).toContain('Paris')
    },
    60_000,
  )

  test('models and their context come from the node', async () => {
    const { files } = await shownFor('opencode')
    const models = (await (await fetch(`${baseUrl}/models`, { headers: await authorization() })).json()) as {
      data: { id: string; context_length: number }[]
    }
    const [{ id, context_length }] = models.data as [{ id: string; context_length: number }]
    const { provider } = JSON.parse(files[0]!.text) as Record<string, { parley: Record<string, unknown> }>
    expect(context_length).toBeGreaterThan(0)
    expect(provider!.parley).toMatchObject({
      options: { baseURL: baseUrl, apiKey: '{env:PARLEY_API_KEY}' },
      models: { [id]: { limit: { context: context_length } } },
    })
  })

  test('a model the node does not have is refused with the nearest one', async () => {
    const { code, stderr } = await startParley(home, ['connect', 'curl', '--model', 'parley-nan']).ended
    expect(code).toBe(7)
    expect(stderr).toContain('did you mean parley-nano?')
  })

  async function authorization() {
    const { stdout } = await startParley(home, ['key', 'new', 'test']).ended
    return { authorization: `Bearer ${stdout.trim()}` }
  }
})

test('without a name the apps are listed; an unknown one ends with exit 7 and the names there are', async () => {
  const { run } = person()
  const { code, stdout } = await run(['connect'])
  expect(code).toBe(0)
  for (const { name } of apps) expect(stdout).toContain(name)
  const unknown = await run(['connect', 'opencoed'])
  expect(unknown).toMatchObject({ code: 7, stdout: '' })
  expect(unknown.stderr).toMatch(/did you mean opencode\? There are open-webui, .*curl/)
})

test('without a node the configuration is used, and that is said', async () => {
  const { run } = person()
  const { code, stdout, stderr } = await run(['connect', 'aider', '--http-port', '7300'])
  expect(code).toBe(0)
  expect(stdout).toContain('OPENAI_API_BASE=http://127.0.0.1:7300/v1')
  expect(stdout).toContain('aider --model openai/parley-nano')
  expect(stderr).toContain('no node is running here')
})

test('every app has settings that name the endpoint, the model and the key or where it is', async () => {
  const { connect, keys } = person()
  for (const { name } of apps) {
    const { code, shown } = await connect(name, '--no-key')
    const text = JSON.stringify(shown)
    expect(code, name).toBe(0)
    expect(text, name).toContain('http://127.0.0.1:7275/v1')
    expect(text, name).toContain('parley-nano')
    expect(text, name).toContain('sk-parley-your-key')
  }
  expect(await keys()).toEqual([])
}, 120_000)

test('a key is made for the app and named after it; one of the caller is taken from standard input too', async () => {
  const { connect, run, keys } = person()
  const { shown } = await connect('curl')
  expect(shown.apiKey).toMatch(/^sk-parley-[\w-]{40,}$/)
  expect(shown.inline[0]!.text).toContain(shown.apiKey)
  expect(await keys()).toEqual(['curl'])
  expect((await connect('curl', '--key', 'sk-mine')).shown.apiKey).toBe('sk-mine')
  expect((await run(['connect', 'curl', '--key', '-'], 'sk-piped\n')).stdout).toContain('sk-piped')
  expect((await connect('curl', '--key', 'not a key')).code).toBe(2)
  expect(await keys()).toEqual(['curl'])
})

test('printing changes no file', async () => {
  const { connect, home, put, read } = person()
  put('.config/zed/settings.json', '{ "theme": "One" }\n')
  const { shown } = await connect('zed')
  expect(shown.files[0]).toMatchObject({ state: 'change' })
  expect(shown.files[0]!.changes.join('\n')).toContain('+ ')
  expect(read('.config/zed/settings.json')).toBe('{ "theme": "One" }\n')
  expect(readdirSync(join(home, '.config/zed'))).toEqual(['settings.json'])
})

const zedSettings = `// My settings
{
  "theme": "One", // the dark one
  "vim_mode": true,
  /* models */
  "language_models": {
    "openai": { "api_url": "https://example.org" }, // mine
  },
}
`

test('writing keeps comments and everything else, twice is once, and restore undoes it', async () => {
  const { connect, put, read, file, keys } = person()
  put('.config/zed/settings.json', zedSettings)
  chmodSync(file('.config/zed/settings.json'), 0o640)
  const first = await connect('zed', '--write')
  expect(first.shown.files[0]).toMatchObject({ state: 'changed', backup: expect.stringContaining('.parley-backup-') })
  const written = read('.config/zed/settings.json')
  for (const line of zedSettings.split('\n')) expect(written).toContain(line)
  expect(parseJsonc(written)).toMatchObject({
    theme: 'One',
    vim_mode: true,
    language_models: {
      openai: { api_url: 'https://example.org' },
      openai_compatible: { Parley: { api_url: 'http://127.0.0.1:7275/v1' } },
    },
  })
  expect(written).not.toContain(first.shown.apiKey)
  expect(mode(file('.config/zed/settings.json'))).toBe(0o640)
  expect(readFileSync(first.shown.files[0]!.backup!, 'utf8')).toBe(zedSettings)
  const second = await connect('zed', '--write')
  expect(second.shown.files[0]).toMatchObject({ state: 'unchanged' })
  expect(read('.config/zed/settings.json')).toBe(written)
  expect(await keys()).toEqual(['zed'])
  expect((await connect('zed', '--restore')).shown.files[0]).toMatchObject({ state: 'restored' })
  expect(read('.config/zed/settings.json')).toBe(zedSettings)
  expect(readdirSync(dirname(file('.config/zed/settings.json')))).toEqual(['settings.json'])
  expect((await connect('zed', '--restore')).code).toBe(7)
})

test('new files are for their owner only, twice makes one key, and restore takes them away', async () => {
  const { connect, file, read, keys } = person()
  const { code, shown } = await connect('continue', '--write')
  expect(code).toBe(0)
  expect(shown.files.map(({ state }) => state)).toEqual(['created', 'created'])
  const [yaml, env] = ['.continue/models/parley.yaml', '.continue/.env']
  expect([mode(file(yaml)), mode(file(env)), mode(file('.continue'))]).toEqual([0o600, 0o600, 0o700])
  expect(read(env)).toBe(`PARLEY_API_KEY=${shown.apiKey}\n`)
  expect(read(yaml)).not.toContain(shown.apiKey)
  const second = await connect('continue', '--write')
  expect(second.shown).toMatchObject({ apiKey: shown.apiKey, files: [{ state: 'unchanged' }, { state: 'unchanged' }] })
  expect(await keys()).toEqual(['continue'])
  await connect('continue', '--restore')
  expect([existsSync(file(yaml)), existsSync(file(env))]).toEqual([false, false])
})

test('a file that was made and then changed by its owner is not removed', async () => {
  const { connect, put, read } = person()
  await connect('opencode', '--write')
  put('.config/opencode/opencode.json', '{"mine": 1}')
  expect((await connect('opencode', '--restore')).code).toBe(9)
  expect(read('.config/opencode/opencode.json')).toBe('{"mine": 1}')
})

test('a file that others can read gets no key', async () => {
  const { connect, put, read, file } = person()
  put('.env', '# mine\nOTHER=1\n')
  chmodSync(file('.env'), 0o644)
  const refused = await connect('aider', '--write')
  expect(refused).toMatchObject({ code: 9, stderr: expect.stringContaining('chmod 600') })
  expect(read('.env')).toBe('# mine\nOTHER=1\n')
  chmodSync(file('.env'), 0o600)
  const { code, shown } = await connect('aider', '--write')
  expect(code).toBe(0)
  expect(read('.env')).toBe(
    `# mine\nOTHER=1\nAIDER_OPENAI_API_BASE=http://127.0.0.1:7275/v1\nAIDER_OPENAI_API_KEY=${shown.apiKey}\nAIDER_MODEL=openai/parley-nano\n`,
  )
})

test('a revoked key in a file is replaced by a new one', async () => {
  const { connect, run, read } = person()
  const first = await connect('continue', '--write')
  expect((await run(['key', 'revoke', first.shown.keyId!])).code).toBe(0)
  const second = await connect('continue', '--write')
  expect(second.shown.files.map(({ state }) => state)).toEqual(['unchanged', 'changed'])
  expect(second.shown.apiKey).not.toBe(first.shown.apiKey)
  expect(read('.continue/.env')).toBe(`PARLEY_API_KEY=${second.shown.apiKey}\n`)
})

test('YAML that is there is not edited: the snippet is shown with where to paste it, exit 9', async () => {
  const { put, read, run } = person()
  put('librechat.yaml', 'version: 1.2.1 # mine\n')
  const { code, stdout, stderr } = await run(['connect', 'librechat', '--write'])
  expect(code).toBe(9)
  expect(stdout).toMatch(/# paste into .*librechat\.yaml\n/)
  expect(stdout).toContain('titleModel: current_model')
  expect(stderr).toContain('would lose its comments')
  expect(read('librechat.yaml')).toBe('version: 1.2.1 # mine\n')
})

test('TOML keeps its comments; a provider of ours is replaced, tables of others stay', async () => {
  const { connect, put, read } = person()
  const mine =
    'model = "gpt-5" # default\n\n[model_providers.parley]\nname = "Parley"\nbase_url = "http://old/v1"\n\n# mine\n[model_providers.other]\nname = "Other"\n'
  put('.codex/config.toml', mine)
  const { code, shown } = await connect('codex', '--write')
  expect(code, JSON.stringify(shown.files)).toBe(0)
  const text = read('.codex/config.toml')
  expect(text).toContain('model = "gpt-5" # default')
  expect(text).toContain('# mine')
  expect(parse(text)).toEqual({
    model: 'gpt-5',
    model_providers: {
      other: { name: 'Other' },
      parley: {
        name: 'Parley',
        base_url: 'http://127.0.0.1:7275/v1',
        env_key: 'PARLEY_API_KEY',
        wire_api: 'responses',
      },
    },
  })
  expect((await connect('codex', '--write')).shown.files[0]).toMatchObject({ state: 'unchanged' })
})

test('a file that cannot be read as what it should be is left alone', async () => {
  const { connect, put, read } = person()
  put('.config/opencode/opencode.json', '{ "a": }')
  put('.codex/config.toml', '= nonsense')
  expect(await connect('opencode', '--write')).toMatchObject({ code: 9, shown: { files: [{ state: 'refused' }] } })
  expect((await connect('codex', '--write')).code).toBe(9)
  expect([read('.config/opencode/opencode.json'), read('.codex/config.toml')]).toEqual(['{ "a": }', '= nonsense'])
})

test('a link stays a link', async () => {
  const { connect, put, read, file } = person()
  put('dotfiles/opencode.json', '{}\n')
  mkdirSync(file('.config/opencode'), { recursive: true })
  symlinkSync(file('dotfiles/opencode.json'), file('.config/opencode/opencode.json'))
  await connect('opencode', '--write')
  expect(JSON.parse(read('dotfiles/opencode.json'))).toHaveProperty('provider.parley')
  await connect('opencode', '--restore')
  expect(read('.config/opencode/opencode.json')).toBe('{}\n')
})

test('an app without files has nothing to write: exit 2 and what to do instead', async () => {
  const { run } = person()
  const { code, stderr } = await run(['connect', 'curl', '--write'])
  expect(code).toBe(2)
  expect(stderr).toContain('paste what parley connect curl prints')
})

test('every app has its section in the documentation', () => {
  const sections = [...readFileSync('docs/apps.md', 'utf8').matchAll(/^## (.+)$/gm)].map(([, name]) => name)
  expect(sections).toEqual(apps.map(({ name }) => name))
})

test('a name full of shell is one word of it', async () => {
  const name = `a'b"$(touch /tmp/never)\`c\` ;\\`
  const { stdout } = await promisify(execFile)('bash', ['-c', `printf %s ${shellWord(name)}`])
  expect(stdout).toBe(name)
})

test.each([
  ['{}', '{\n  "a": {\n    "b": 1\n  }\n}'],
  ['{\n\t"x": 1\n}\n', '{\n\t"x": 1,\n\t"a": {\n\t\t"b": 1\n\t}\n}\n'],
  ['{\n  "x": 1 // one\n}', '{\n  "x": 1, // one\n  "a": {\n    "b": 1\n  }\n}'],
  ['{\n  "a": {"b": 2, "c": [1,  2]} // kept\n}', '{\n  "a": {"b": 1, "c": [1,  2]} // kept\n}'],
  ['{\n  "a": { "b": 1 }\n}', '{\n  "a": { "b": 1 }\n}'],
])('values are put into %j and nothing else moves', (before, after) => {
  expect(mergeJsonc(before, { a: { b: 1 } })).toBe(after)
})

test.each(['', '{', '{"a":1,,}', '{"a" 1}', '[1 2]', '{"a":1} x', '"open', '{"a":01}', '[1,2]'])(
  '%j is refused as settings',
  text => {
    expect(() => mergeJsonc(text, { a: 1 })).toThrow(/cannot be read|is not an object/)
  },
)

test('what YAML would read as something else is quoted', () => {
  const text = toYaml({ on: 'yes', n: '1.0', s: 'a: b', l: [{ x: 'it', y: [] }], o: {}, t: true })
  expect(text).toBe('"on": "yes"\n"n": "1.0"\n"s": "a: b"\n"l":\n  - "x": it\n    "y": []\n"o": {}\n"t": true')
})
