import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listModels, pullModel, removeModel } from '../../src/jobs/index.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-models-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('the list shows pulled models, unfinished ones and nothing else', async () => {
  const origin = join(directory, 'origin.gguf')
  const place = join(directory, 'models')
  await writeFile(origin, 'GGUF and more')
  const { sha256 } = await pullModel({ source: origin, directory: place, signal: new AbortController().signal })
  await writeFile(join(place, 'half.gguf.part'), 'GG')
  await writeFile(join(place, 'notes.txt'), '')
  await mkdir(join(place, 'folder.gguf'))
  await symlink('/etc/passwd', join(place, 'link.gguf'))
  expect(await listModels(place)).toMatchObject([
    { name: 'half.gguf', isPartial: true, sizeBytes: 2 },
    { name: 'origin.gguf', isPartial: false, sizeBytes: 13, sha256, source: origin },
  ])
})

test('a sum that belongs to an older state of the file is not shown', async () => {
  await writeFile(join(directory, 'a.gguf'), 'GGUF')
  await writeFile(
    join(directory, 'a.gguf.sha256.json'),
    JSON.stringify({ sha256: 'a'.repeat(64), size: 3, mtimeMs: 1 }),
  )
  expect((await listModels(directory))[0]).toMatchObject({ name: 'a.gguf', sha256: undefined })
})

test('a directory that is not there has no models', async () => {
  expect(await listModels(join(directory, 'none'))).toEqual([])
})

test('removing takes the model and what is kept beside it, and nothing else', async () => {
  for (const name of ['a.gguf', 'a.gguf.sha256.json', 'a.gguf.part', 'b.gguf'])
    await writeFile(join(directory, name), 'x')
  await removeModel(directory, 'a.gguf')
  expect(await readdir(directory)).toEqual(['b.gguf'])
})

test('names that lead elsewhere are not found', async () => {
  await writeFile(join(directory, 'outside.gguf'), 'x')
  const place = join(directory, 'models')
  await mkdir(place)
  for (const name of ['../outside.gguf', '/etc/passwd', '', '..', 'none.gguf', 'a\0.gguf']) {
    await expect(removeModel(place, name)).rejects.toMatchObject({ code: 'not_found' })
  }
  expect(await readdir(directory)).toContain('outside.gguf')
})
