import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hasBrowser, openBrowser } from '../../src/cli/browser.ts'

const [terminal, pipe] = [{ isTTY: true }, { isTTY: false }]
const desk = { env: { DISPLAY: ':0' }, stdout: terminal, stderr: terminal, platform: 'linux' as const }

test('a browser is opened only where somebody sits before it', () => {
  expect(hasBrowser(desk)).toBe(true)
  expect(hasBrowser({ ...desk, env: { WAYLAND_DISPLAY: 'wayland-0' } })).toBe(true)
  expect(hasBrowser({ ...desk, platform: 'darwin', env: {} })).toBe(true)
  expect(hasBrowser({ ...desk, env: {} })).toBe(false)
  expect(hasBrowser({ ...desk, env: { DISPLAY: ':0', CI: 'true' } })).toBe(false)
  expect(hasBrowser({ ...desk, stdout: pipe })).toBe(false)
  expect(hasBrowser({ ...desk, stderr: pipe })).toBe(false)
})

test('it gets the address as one word, and its absence is nobody’s failure', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-browser-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const opener = join(folder, 'xdg-open')
  const said = join(folder, 'said')
  const url = 'http://127.0.0.1:7275/#code=AAAAA-BBBBB'
  expect(openBrowser(url, { ...desk, env: { ...desk.env, PATH: folder } })).toBe(true)
  writeFileSync(opener, `#!/bin/sh\nprintf '%s|' "$@" > '${said}.draft'\n/bin/mv '${said}.draft' '${said}'\n`)
  chmodSync(opener, 0o700)
  expect(openBrowser(url, { ...desk, env: { ...desk.env, PATH: folder } })).toBe(true)
  await expect.poll(() => existsSync(said) && readFileSync(said, 'utf8'), { timeout: 5_000 }).toBe(`${url}|`)
  expect(openBrowser(url, { ...desk, stdout: pipe })).toBe(false)
})
