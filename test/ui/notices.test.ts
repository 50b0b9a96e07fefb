import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noticesOf } from '../../scripts/third-party-notices.ts'
import { builtPages } from './built.ts'

describe('the notices of third parties', () => {
  let root: string
  const put = async (path: string, text: string) => {
    const file = join(root, 'node_modules', path)
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, text)
  }

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'parley-notices-'))
    await put('one/package.json', JSON.stringify({ name: 'one', version: '1.2.3', license: 'MIT' }))
    await put('one/LICENSE', 'the terms of one')
    await put('one/NOTICE.md', 'made by one')
    // Says how it is loaded, not what it is.
    await put('one/esm/package.json', JSON.stringify({ type: 'module' }))
    await put('@a/two/package.json', JSON.stringify({ name: '@a/two', version: '2.0.0', license: 'ISC' }))
    await put('style/package.json', JSON.stringify({ name: 'style', version: '3.0.0', license: 'MIT' }))
    await put('style/licence.txt', 'the terms of style')
    await put('unused/package.json', JSON.stringify({ name: 'unused', version: '9.0.0', license: 'MIT' }))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  test('name every package of a bundle once, with its version and its terms', async () => {
    const at = (path: string) => join(root, 'node_modules', path)
    const modules = [
      at('one/esm/a.js'),
      `\0${at('one/b.js')}?commonjs`,
      at('@a/two/index.js'),
      join(root, 'src/main.ts'),
    ]
    const text = await noticesOf(root, modules, ['style'])
    expect(text).toMatch(/^one 1\.2\.3 \(MIT\)\n\nthe terms of one\n\nmade by one$/m)
    expect(text).toContain('style 3.0.0 (MIT)\n\nthe terms of style')
    expect(text).toContain('@a/two comes without a text of its licence; it says: ISC')
    expect(text.match(/one 1\.2\.3 \(/g)).toHaveLength(1)
    expect(text).not.toContain('unused')
  })

  test('are beside the pages that are built', { timeout: 240_000 }, async () => {
    const text = await readFile(join(await builtPages(), 'third-party-notices.txt'), 'utf8')
    for (const name of ['react', 'mermaid', 'katex', 'dexie', 'streamdown', 'tailwindcss', '@tanstack/react-router']) {
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(\\S+\\)$`, 'm'))
    }
  })
})
