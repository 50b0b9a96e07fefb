import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { de } from '../../src/ui/words/de/index.ts'
import { en } from '../../src/ui/words/en/index.ts'

const texts = readdirSync('src/ui', { recursive: true, encoding: 'utf8' })
  .filter(file => /\.tsx?$/.test(file) && !file.startsWith('words') && !file.includes('generated'))
  .map(file => readFileSync(join('src/ui', file), 'utf8'))

/** Every key that is written out, and every pattern of keys that are put together. */
const whole = new Set(
  texts.flatMap(text => [...text.matchAll(/['"`]([a-zA-Z][\w.]*\.[\w.]+)['"`]/g)].map(([, key]) => key!)),
)
const patterns = texts
  .flatMap(text => [...text.matchAll(/`([a-zA-Z][\w.]*\.(?:[\w.]|\$\{[^`{}]*\})*\$\{[^`{}]*\}[\w.]*)`/g)])
  .map(([, key]) => new RegExp(`^${key!.replaceAll('.', '\\.').replaceAll(/\$\{[^}]*\}/g, '[^\\s]+')}$`))

function keysOf(words: object, before = ''): readonly string[] {
  return Object.entries(words).flatMap(([name, value]) =>
    typeof value === 'string' ? [before + name] : keysOf(value as object, `${before}${name}.`),
  )
}

function isUsed(key: string): boolean {
  const bare = key.replace(/_(?:zero|one|two|few|many|other)$/, '')
  return [key, bare].some(each => whole.has(each) || patterns.some(pattern => pattern.test(each)))
}

describe('the words of the pages', () => {
  test('there are some, and patterns that put keys together', () => {
    expect(keysOf(en).length).toBeGreaterThan(500)
    expect(patterns.length).toBeGreaterThan(10)
  })

  test('every one is used', () => {
    expect(keysOf(en).filter(key => !isUsed(key))).toEqual([])
  })

  test('both languages fill in the same', () => {
    const holes = (text: string) => [...text.matchAll(/\{\{\s*(\w+)/g)].map(([, name]) => name!).toSorted()
    const at = (words: object, key: string) =>
      key.split('.').reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], words) as string
    const differing = keysOf(en).filter(
      // A language may leave the number out of what is one.
      key => !key.endsWith('_one') && holes(at(en, key)).join() !== holes(at(de, key)).join(),
    )
    expect(differing).toEqual([])
  })
})
