import OpenAI, { toFile } from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { createConfig, resolvePaths } from '../../src/config/index.ts'
import type { LoggedEvent } from '../../src/core/index.ts'
import { until } from '../compliance.ts'
import { type MediaService, sendBody, sendJson, startMediaService } from '../media-service.ts'
import { createHome, startNode } from './stage.ts'

const said = 'a prompt nobody may keep'

/** A node between the official client and a server that can do all of it. */
async function startStudio(answer: MediaService['answer']) {
  const service = await startMediaService(['image-1', 'whisper-1', 'omni-moderation-latest'])
  service.answer = answer
  const home = createHome()
  const paths = resolvePaths({ PARLEY_HOME: home.path })
  const upstreams = [{ name: 'studio', url: service.url }]
  const node = await startNode(createConfig({ http: { port: 0 }, upstreams }, paths))
  onTestFinished(async () => {
    await node.stop()
    await service.stop()
    home.remove()
  })
  return { node, service, openai: new OpenAI({ baseURL: node.url, apiKey: node.firstKey!, maxRetries: 0 }) }
}

test('a node passes pictures, transcripts, moderation and files on to its upstream, and keeps no word of them', async () => {
  const { node, service, openai } = await startStudio((hit, response) => {
    if (hit.path.includes('/content')) sendBody(response, 'application/jsonl', '{"a":1}\n')
    else sendJson(response, { created: 1, data: [{ b64_json: 'AA==' }], text: 'heard', results: [], id: 'file-1' })
  })
  expect((await openai.images.generate({ model: 'image-1', prompt: said })).data).toEqual([{ b64_json: 'AA==' }])
  const file = await toFile(Buffer.from(said), 'a.wav')
  expect(await openai.audio.transcriptions.create({ model: 'whisper-1', file })).toMatchObject({ text: 'heard' })
  await openai.moderations.create({ input: said })
  expect(service.hits.at(-1)!.json()).toEqual({ model: 'omni-moderation-latest', input: said })
  expect(await openai.files.create({ file, purpose: 'batch' })).toMatchObject({ id: 'file-1' })
  expect(await (await openai.files.content('file-1')).text()).toBe('{"a":1}\n')
  const ended = () => node.log.recent().filter(({ type }: LoggedEvent) => type === 'call.ended')
  expect(await until(() => ended().length === 5)).toBe(true)
  expect(ended()).toMatchObject([
    { task: 'image', units: { unit: 'images', count: 1 } },
    { task: 'transcription' },
    { task: 'moderation', units: undefined },
    { task: 'file', servedBy: 'studio' },
    { task: 'file', servedBy: 'studio' },
  ])
  const kept = JSON.stringify(node.log.recent(), (_name, value) => (typeof value === 'bigint' ? String(value) : value))
  expect(kept).not.toContain(said)
})

test('a model that runs here makes no pictures, and says where to look', async () => {
  const { openai, service } = await startStudio((_hit, response) => sendJson(response, {}))
  const refused = openai.images.generate({ model: 'parley-nano', prompt: said })
  await expect(refused).rejects.toMatchObject({ status: 501, code: 'unsupported' })
  await expect(refused).rejects.toThrow(/upstreams/)
  expect(service.hits).toHaveLength(0)
})
