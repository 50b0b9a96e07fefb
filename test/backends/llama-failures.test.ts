import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLlamaBackend, type LlamaBackend, readGguf } from '../../src/backends/llama/index.ts'
import { ParleyError, systemClock, systemRandom } from '../../src/core/index.ts'
import { ask, hear, nanoPath, never } from './llama-stage.ts'

const folder = mkdtempSync(join(tmpdir(), 'parley-failures-'))
const backends: LlamaBackend[] = []
afterAll(async () => {
  for (const backend of backends) await backend.stop()
  rmSync(folder, { recursive: true, force: true })
})

function copyOfNano(id: string): string {
  const path = join(folder, `${id}.gguf`)
  copyFileSync(nanoPath, path)
  return path
}

function backendOf(id: string, path: string, preload = false): LlamaBackend {
  const models = [{ id, path, parallel: 1, threads: 1 }]
  const backend = createLlamaBackend({ models, clock: systemClock, random: systemRandom, gpu: false, preload })
  backends.push(backend)
  return backend
}

async function failed(work: Promise<unknown>): Promise<ParleyError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (error instanceof ParleyError) return error
  throw new TypeError('it did not fail as it should', { cause: error })
}

test('who starts a node with a model that cannot be loaded is told which file it is; who calls it later is not', async () => {
  const path = copyOfNano('torn')
  const [starting, running] = [backendOf('torn', path, true), backendOf('torn', path)]
  for (const backend of [starting, running]) await backend.models(never)
  truncateSync(path, 200_000)
  const start = await failed(starting.start(AbortSignal.timeout(20_000)))
  expect(start.code).toBe('model_failed')
  expect(start.message).toContain(`torn cannot be loaded: its file has changed`)
  expect(start.message).toContain(`the file is ${path} (`)
  const call = await failed(hear(running, { ...ask('Hello'), body: { ...ask('Hello').body, model: 'torn' } }))
  expect(call.code).toBe('model_failed')
  expect(call.message).toMatch(/^torn cannot be loaded: its file has changed since the node started; [\w ]+$/)
})

test('what is to be sold and cannot be read says which model it is, and not where', async () => {
  const path = copyOfNano('sold')
  const backend = backendOf('sold', path)
  await backend.models(never)
  rmSync(path)
  const error = await failed(backend.offered(never))
  expect(error).toMatchObject({
    code: 'model_failed',
    message: 'the weights of sold cannot be read; pull the model again',
  })
})

test('a template that refuses messages is heard by the app alone: it may quote them', async () => {
  const path = copyOfNano('strict')
  const { ranges } = await readGguf(path)
  const [start, end] = ranges.get('tokenizer.chat_template')!
  const bytes = readFileSync(path)
  const lengthBytes = 8
  bytes.fill(' ', start + lengthBytes, end)
  bytes.write("{{ raise_exception('not ' + messages[0].content) }}", start + lengthBytes)
  writeFileSync(path, bytes)
  const backend = backendOf('strict', path)
  const error = await failed(hear(backend, { ...ask('quokka'), body: { ...ask('quokka').body, model: 'strict' } }))
  expect(error).toMatchObject({ code: 'invalid_request', param: 'messages', mayRetry: false })
  expect(JSON.stringify(error.toBody())).not.toContain('quokka')
  expect(error.passOn).toMatchObject({ status: 400, body: { error: { param: 'messages', code: 'invalid_request' } } })
  expect(error.passOn?.body?.error.message).toMatch(/refuses these messages; correct them: not quokka/)
})
