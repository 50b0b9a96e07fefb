import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSpool, type Spool } from '../../src/store/spool.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-spool-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const files = () => readdirSync(folder).map(name => join(folder, name))

async function drained(spool: Spool): Promise<string[]> {
  const taken: string[] = []
  while (!spool.isEmpty()) await spool.drainOldest(async batch => void taken.push(batch))
  return taken
}

test('batches come out in the order they went in, over files and over processes, and leave nothing behind', async () => {
  const batches = Array.from({ length: 50 }, (_, at) => `${at} ünï 🌍 ${'x'.repeat(at)}`)
  const spool = openSpool({ folder, segmentBytes: 200 })
  await Promise.all(batches.slice(0, 40).map(spool.append))
  await spool.close()
  expect(files().length).toBeGreaterThan(3)
  for (const file of files()) expect(statSync(file).mode & 0o777).toBe(0o600)
  const again = openSpool({ folder, segmentBytes: 200 })
  for (const batch of batches.slice(40, 45)) await again.append(batch)
  for (const batch of batches.slice(45)) expect(again.appendNow(batch)).toBe(true)
  expect(await drained(again)).toEqual(batches)
  expect(files()).toEqual([])
  expect(again.bytes()).toBe(0)
})

test('what is appended while the only file is drained comes too', async () => {
  const spool = openSpool({ folder })
  await spool.append('one')
  const taken: string[] = []
  await spool.drainOldest(async batch => {
    taken.push(batch)
    await spool.append('two')
  })
  expect([...taken, ...(await drained(spool))]).toEqual(['one', 'two'])
})

test('a torn or changed tail is left out, what stands before and after it is not', async () => {
  for (const harm of ['cut', 'changed', 'added'] as const) {
    const spool = openSpool({ folder })
    for (const batch of ['one', 'two', 'three']) await spool.append(batch)
    await spool.close()
    const [file] = files() as [string]
    const bytes = readFileSync(file)
    if (harm === 'cut') truncateSync(file, bytes.length - 2)
    if (harm === 'changed') writeFileSync(file, bytes.with(bytes.length - 1, 0))
    if (harm === 'added') appendFileSync(file, Buffer.from([0, 0, 1, 0, 9, 9]))
    const again = openSpool({ folder })
    await again.append('four')
    const whole = harm === 'added' ? ['one', 'two', 'three'] : ['one', 'two']
    expect(await drained(again)).toEqual([...whole, 'four'])
  }
})

test('a file stays until all of it was taken, and goes on where it stopped', async () => {
  const spool = openSpool({ folder })
  for (const batch of ['one', 'two', 'three']) await spool.append(batch)
  const taken: string[] = []
  const failing = spool.drainOldest(async batch => {
    if (batch === 'two') throw new TypeError('away')
    taken.push(batch)
  })
  await expect(failing).rejects.toThrow('away')
  expect(files()).toHaveLength(1)
  expect([...taken, ...(await drained(spool))]).toEqual(['one', 'two', 'three'])
})

test('over the bound nothing is kept, and there is room again once something went', async () => {
  const spool = openSpool({ folder, maxBytes: 250, segmentBytes: 100 })
  expect(await spool.append('x'.repeat(100))).toBe(true)
  expect(await spool.append('y'.repeat(100))).toBe(true)
  expect(await spool.append('z'.repeat(100))).toBe(false)
  expect(spool.appendNow('z'.repeat(100))).toBe(false)
  await spool.drainOldest(async () => undefined)
  expect(await spool.append('z'.repeat(100))).toBe(true)
  expect(spool.bytes()).toBeLessThanOrEqual(250)
})

test('a disk that takes nothing is told, not thrown', async () => {
  const spool = openSpool({ folder })
  rmSync(folder, { recursive: true })
  expect(await spool.append('one')).toBe(false)
  expect(spool.appendNow('one')).toBe(false)
})
