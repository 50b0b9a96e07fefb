import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startParley } from './parley.ts'

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
let folder: string
/** Where it was installed, beside what it says it needs. */
let installed: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-packed-'))
  const source = join(folder, 'source')
  for (const name of ['package.json', 'README.md', 'LICENSE', 'scripts']) {
    cpSync(name, join(source, name), { recursive: true })
  }
  execFileSync('npx', ['tsc', '-p', '.', '--outDir', join(source, 'dist')], { stdio: 'inherit' })
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder]
  execFileSync('npm', pack, { cwd: source, stdio: ['ignore', 'ignore', 'inherit'] })
  const modules = join(folder, 'app', 'node_modules')
  installed = join(modules, 'parley')
  mkdirSync(installed, { recursive: true })
  writeFileSync(join(folder, 'app', 'package.json'), '{"name":"app"}')
  const archive = join(folder, `parley-${manifest.version}.tgz`)
  execFileSync('tar', ['-xzf', archive, '-C', installed, '--strip-components=1'])
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(process.cwd(), 'node_modules', name), join(modules, name))
  }
}, 180_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('what is packed is the program, and nothing of its tests and sources', () => {
  expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json', 'scripts'])
  expect(readdirSync(join(installed, 'scripts')).sort()).toEqual(['ensure-node.cjs', 'nano-model', 'parley.cjs'])
  const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })
  expect(files).toContain('cli/main.js')
  expect(files.filter(name => /(?<!\.d)\.ts$|\.env|\.test\./.test(name))).toEqual([])
})

test('what it needs is pinned, and known by its digest', () => {
  const { dependencies, optionalDependencies } = manifest
  for (const version of Object.values({ ...dependencies, ...optionalDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  }
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { integrity?: string; link?: boolean; resolved?: string }>
  }
  const unknown = Object.entries(lock.packages).filter(([path, { integrity }]) => path !== '' && !integrity)
  expect(unknown.map(([path]) => path)).toEqual([])
})

test('it starts where it was installed, and streams', async () => {
  const home = join(folder, 'home')
  const door = join(installed, 'scripts', 'parley.cjs')
  const { child, ended, said } = startParley(home, ['up', '--http-port', '0', '--json'], { door, cwd: folder })
  try {
    const line = await Promise.race([
      new Promise<string>(resolve => createInterface({ input: child.stdout }).once('line', resolve)),
      ended.then(() => Promise.reject(new TypeError(`it ended: ${said().stderr}`))),
    ])
    const { baseUrl, apiKey } = JSON.parse(line) as { baseUrl: string; apiKey: string }
    const messages = [{ role: 'user', content: 'What is 7 plus 5?' }]
    const answer = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'parley-nano', messages, temperature: 0, stream: true }),
    })
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const events = (await answer.text()).split('\n\n').filter(event => event.startsWith('data: {'))
    const words = events.map(event => JSON.parse(event.slice(6)).choices[0]?.delta.content ?? '')
    expect(words.filter(word => word !== '').length).toBeGreaterThan(2)
    expect(words.join('')).toBe('7 + 5 = 12')
  } finally {
    child.kill('SIGTERM')
  }
  expect((await ended).code).toBe(0)
}, 60_000)

test('a program imports its faces', () => {
  const names = Object.keys(manifest.exports).filter(name => name !== './testing')
  const program = names.map(name => `console.log(Object.keys(await import('parley${name.slice(1)}')).length > 0)`)
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program.join('\n')], {
    cwd: join(folder, 'app'),
    encoding: 'utf8',
  })
  expect(said.trim().split('\n')).toEqual(names.map(() => 'true'))
})
