import { copyFile, mkdtemp, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createLlamaBackend,
  type GgufHeader,
  manifestOf,
  openModelFile,
  parseGguf,
  readGguf,
  sha256Of,
} from '../../src/backends/llama/index.ts'
import { ParleyError, systemClock, systemRandom } from '../../src/core/index.ts'
import { ask, hear, nanoPath, never } from './llama-stage.ts'

let directory: string
let header: GgufHeader
let fileSize: number

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-gguf-'))
  header = await readGguf(nanoPath)
  fileSize = (await stat(nanoPath)).size
})
afterAll(() => rm(directory, { recursive: true }))

/** A small generator with a seed: a failing round can be run again. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function verdict(bytes: Buffer, size: number): string {
  try {
    parseGguf(bytes, size)
    return 'sound'
  } catch (cause) {
    if (cause instanceof ParleyError) return cause.code
    throw cause
  }
}

test('the header of the model says what it is', () => {
  expect(header.metadata.get('general.architecture')).toBe('llama')
  expect(header.parameters).toBe(4_066_560)
  expect(header.metadata.get('tokenizer.ggml.tokens')).toMatchObject({ count: 2_048 })
})

test('no mutated header makes the reader throw anything but a refusal', () => {
  const roll = dice(20_261_121)
  const verdicts = new Map<string, number>()
  for (let round = 0; round < 4_000; round++) {
    const bytes = Buffer.from(header.bytes)
    // The beginning, where the counts are, is hit more often than the long vocabulary.
    const reach = round % 2 === 0 ? 4_096 : bytes.length
    for (let times = 1 + roll(4); times > 0; times--) bytes[roll(reach)] = [0, 255, 127, roll(256)][roll(4)]!
    const cut = round % 7 === 0 ? bytes.subarray(0, roll(bytes.length)) : bytes
    const seen = verdict(cut, round % 5 === 0 ? cut.length : fileSize)
    verdicts.set(seen, (verdicts.get(seen) ?? 0) + 1)
  }
  expect([...verdicts.keys()].sort()).toEqual(['invalid_request', 'sound'])
}, 60_000)

test('random bytes after a good beginning are refused', () => {
  const roll = dice(7)
  for (let round = 0; round < 1_000; round++) {
    const bytes = Buffer.from(header.bytes.subarray(0, 24 + roll(2_000)))
    for (let at = 24; at < bytes.length; at++) bytes[at] = roll(256)
    expect(verdict(bytes, bytes.length)).toBe('invalid_request')
  }
})

test('impossible counts are refused at once', () => {
  for (const [at, what] of [
    [8, 'tensors'],
    [16, 'metadata'],
  ] as const) {
    for (const count of [2n ** 64n - 1n, 2n ** 63n, 2n ** 40n, 1_000_000n]) {
      const bytes = Buffer.from(header.bytes)
      bytes.writeBigUInt64LE(count, at)
      expect(() => parseGguf(bytes, fileSize), what).toThrow(/not a sound GGUF/)
    }
  }
})

test('arrays of arrays, other versions and other files are refused', () => {
  const version = Buffer.from(header.bytes)
  version.writeUInt32LE(1, 4)
  expect(verdict(version, fileSize)).toBe('invalid_request')
  expect(verdict(Buffer.from('<!doctype html>'), 15)).toBe('invalid_request')
  expect(verdict(Buffer.alloc(0), 0)).toBe('invalid_request')
  const nested = Buffer.from(header.bytes)
  const [start] = header.ranges.get('tokenizer.ggml.tokens')!
  nested.writeUInt32LE(9, start)
  expect(() => parseGguf(nested, fileSize)).toThrow(/holds arrays/)
})

test('a model that was cut off is refused before the engine sees it', async () => {
  const path = join(directory, 'cut.gguf')
  await copyFile(nanoPath, path)
  await truncate(path, fileSize - 1_000)
  await expect(readGguf(path)).rejects.toThrow(/cut off/)
  const backend = createLlamaBackend({
    models: [{ id: 'cut', path }],
    clock: systemClock,
    random: systemRandom,
    gpu: false,
  })
  const call = { ...ask('Hello'), body: { ...ask('Hello').body, model: 'cut' } }
  await expect(hear(backend, call)).rejects.toMatchObject({ code: 'invalid_request' })
})

test('a sound header with weights the engine refuses is `model_failed`, and the node lives on', async () => {
  const path = join(directory, 'odd.gguf')
  const bytes = await readFile(nanoPath)
  const [start] = header.ranges.get('llama.embedding_length')!
  bytes.writeUInt32LE(300, start)
  await writeFile(path, bytes)
  const backend = createLlamaBackend({
    models: [{ id: 'odd', path }],
    clock: systemClock,
    random: systemRandom,
    gpu: false,
  })
  const call = { ...ask('Hello'), body: { ...ask('Hello').body, model: 'odd' } }
  await expect(hear(backend, call)).rejects.toMatchObject({ code: 'model_failed' })
  await backend.stop()
})

test('the manifest names the model by content: a copy has the same id, another template another', async () => {
  const path = join(directory, 'copy.gguf')
  await copyFile(nanoPath, path)
  const original = await manifestOf(await openModelFile({ id: 'a', path: nanoPath }), never)
  expect(original).toMatchObject({ quantization: 'Q8_0', contextTokens: 2_048, modality: 'text' })
  expect(await manifestOf(await openModelFile({ id: 'b', path }), never)).toEqual(original)
  const bytes = await readFile(path)
  bytes[header.ranges.get('tokenizer.chat_template')![1] - 1] = 0x20
  await writeFile(path, bytes)
  const changed = await manifestOf(await openModelFile({ id: 'b', path }), never)
  expect(changed.chatTemplate).not.toBe(original.chatTemplate)
  expect(changed.tokenizer).toBe(original.tokenizer)
})

test('offers carry the id of the manifest', async () => {
  const models = [{ id: 'nano', path: nanoPath }]
  const backend = createLlamaBackend({ models, clock: systemClock, random: systemRandom })
  const [offer] = await backend.offered(never)
  expect(offer).toMatchObject({ id: 'nano', contextTokens: 2_048, abilities: ['chat', 'completion', 'embedding'] })
  expect(offer!.modelId).toMatch(/^0x[0-9a-f]{64}$/)
})

test('the sum of a file is kept beside it and taken again when the file changes', async () => {
  const path = join(directory, 'sum.gguf')
  await writeFile(path, 'one')
  const first = await sha256Of(path, never)
  const note = JSON.parse(await readFile(`${path}.sha256.json`, 'utf8')) as Record<string, unknown>
  await writeFile(`${path}.sha256.json`, JSON.stringify({ ...note, sha256: 'f'.repeat(64) }))
  expect(await sha256Of(path, never)).toBe('f'.repeat(64))
  await writeFile(path, 'two')
  await utimes(path, 1, 1)
  expect(await sha256Of(path, never)).not.toBe('f'.repeat(64))
  await writeFile(`${path}.sha256.json`, 'torn')
  await writeFile(path, 'one')
  expect(await sha256Of(path, never)).toBe(first)
})
