import { expect, test } from 'vitest'
import { ParleyError } from '../../src/core/index.ts'
import { parseSource } from '../../src/jobs/index.ts'
import { safeName, urlFileName } from '../../src/jobs/source.ts'

test('the four kinds of source are told apart', () => {
  expect(parseSource('hf:user/repo/a/b.gguf')).toMatchObject({
    kind: 'hub',
    repository: 'user/repo',
    pick: { file: 'a/b.gguf' },
  })
  expect(parseSource('hf:user/repo:Q4_K_M#dev')).toMatchObject({ pick: { quantization: 'Q4_K_M' }, revision: 'dev' })
  expect(parseSource('https://models.example/a.gguf')).toMatchObject({ kind: 'url' })
  expect(parseSource('./a.gguf')).toMatchObject({ kind: 'file' })
})

/** Names under which others have escaped from a directory, or tried to. */
const hostile = [
  '..',
  '../x.gguf',
  '../../../../etc/passwd',
  '..\\..\\x.gguf',
  '....//....//x.gguf',
  '.%2e/x.gguf',
  '%2e%2e%2fx.gguf',
  '..%2fx.gguf',
  '..%5cx.gguf',
  '%252e%252e%252fx.gguf',
  '..%c0%afx.gguf',
  '/etc/cron.d/x.gguf',
  '//host/share/x.gguf',
  '\\\\host\\share\\x.gguf',
  'C:\\x.gguf',
  'C:x.gguf',
  'a/../../x.gguf',
  'a/./../x.gguf',
  './x.gguf',
  'x.gguf/..',
  'x.gguf\0.txt',
  'x\0.gguf',
  'x.gguf\n',
  'x\r\n.gguf',
  '.hidden.gguf',
  '..gguf',
  '.gguf',
  '-rf.gguf',
  '--output.gguf',
  '~/.ssh/x.gguf',
  '$HOME/x.gguf',
  '`id`.gguf',
  '$(id).gguf',
  'a;b.gguf',
  'a|b.gguf',
  'a&b.gguf',
  'a>b.gguf',
  'con.gguf',
  'x.gguf::$DATA',
  'x\u202Efugg.gguf',
  '\u2024\u2024/x.gguf',
  '\uFF0E\uFF0E\uFF0Fx.gguf',
  `${'a'.repeat(5_000)}.gguf`,
  `${'../'.repeat(500)}x.gguf`,
  ' .gguf',
  '\t.gguf',
  'x.gguf ',
  '{{7*7}}.gguf',
  '%00.gguf',
  '%n%n%n.gguf',
]

test('no name a server could give leads out of the directory', () => {
  let named = 0
  for (const name of hostile) {
    for (const parts of [[name], ['user', 'repo', name], [name, name]]) {
      try {
        expect(safeName(parts)).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,190}\.gguf$/)
        expect(safeName(parts)).not.toContain('..')
        named += 1
      } catch (cause) {
        expect(cause).toBeInstanceOf(ParleyError)
      }
    }
  }
  expect(named).toBeGreaterThan(100)
})

test('hostile names in addresses end up as harmless file names', () => {
  for (const name of hostile) {
    if (!URL.canParse(`https://models.example/${name}`)) continue
    const url = new URL(`https://models.example/${name}`)
    expect(safeName([url.hostname, urlFileName(url)])).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,190}\.gguf$/)
  }
})

test('hostile repositories, files, quantisations and revisions are refused', () => {
  for (const name of hostile) {
    for (const source of [
      `hf:${name}/repo/x.gguf`,
      `hf:user/${name}`,
      `hf:user/repo:${name}`,
      `hf:user/repo/x.gguf#${name}`,
    ]) {
      try {
        const parsed = parseSource(source)
        const text = parsed.kind === 'hub' ? JSON.stringify([parsed.repository, parsed.revision, parsed.pick]) : ''
        expect(text).not.toMatch(/\.\.|\\|[\0\n\r`$;|&<>]|"[./-]/)
      } catch (cause) {
        expect(cause).toMatchObject({ code: 'usage' })
      }
    }
  }
})

test('addresses other than https, and http of this machine, are refused', () => {
  const refused = [
    'http://models.example/x.gguf',
    'http://127.0.0.1.example/x.gguf',
    'http://0.0.0.0/x.gguf',
    'http://169.254.169.254/x.gguf',
    'ftp://models.example/x.gguf',
    'file:///etc/passwd',
    'https://user:password@models.example/x.gguf',
    'https://',
    'javascript://x',
  ]
  for (const source of refused) expect(() => parseSource(source), source).toThrow(/not understood/)
  for (const source of ['http://127.0.0.1:1/x.gguf', 'http://localhost/x.gguf', 'http://[::1]/x.gguf']) {
    expect(parseSource(source)).toMatchObject({ kind: 'url' })
  }
})
