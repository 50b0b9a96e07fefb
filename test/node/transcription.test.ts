import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { ConfigInput } from '../../src/config/index.ts'
import { type MediaAnswer, sendJson, startMediaService } from '../media-service.ts'
import { startManaged } from './managed.ts'

const sound = new Uint8Array(4_000).fill(7)

async function ears(models: string[], answer: MediaAnswer) {
  const service = await startMediaService(models)
  service.answer = answer
  onTestFinished(service.stop)
  return service
}

const hears =
  (text: string): MediaAnswer =>
  (_hit, response) =>
    sendJson(response, { text, duration: 2 })
const said = z.looseObject({
  text: z.string().optional(),
  provider: z.string().optional(),
  error: z.looseObject({ code: z.string() }).optional(),
})
const broken: MediaAnswer = (_hit, response) => sendJson(response, { error: { message: 'no' } }, 500)

async function start(input: ConfigInput) {
  const managed = await startManaged({
    routing: { policy: 'priority', sameProviderRetries: 0, attemptsMax: 3 },
    ...input,
  })
  const transcribe = async (fields: Record<string, string> = {}, file = sound, token = managed.token) => {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob([file], { type: 'audio/webm' }), 'said.webm')
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${managed.origin}/api/transcription`, { method: 'POST', body: form, headers })
    return { status: response.status, headers: response.headers, body: said.parse(await response.json()) }
  }
  return { ...managed, transcribe }
}

test('the first model that hears is asked, of any provider that has it, then the others', async () => {
  const [deaf, good, other] = [
    await ears(['chatty', 'whisper-1'], broken),
    await ears(['whisper-1'], hears('hello')),
    await ears(['gpt-4o-transcribe'], hears('from the other')),
  ]
  const { api, transcribe, send, join } = await start({
    upstreams: [
      { name: 'deaf', url: deaf.url },
      { name: 'good', url: good.url },
      { name: 'other', url: other.url },
    ],
    archive: { enabled: true },
  })
  expect((await api('GET /transcription')).body).toEqual({
    available: true,
    models: ['whisper-1', 'gpt-4o-transcribe'],
  })
  const { status, body, headers } = await transcribe({ language: 'de', response_format: 'srt', prompt: '' })
  expect({ status, body }).toEqual({ status: 200, body: { text: 'hello', model: 'whisper-1', provider: 'good' } })
  expect(headers.get('x-parley-attempts')).toBe('2')
  expect(await good.hits[0]!.form()).toEqual([
    ['model', 'whisper-1'],
    ['file', ['said.webm', 'audio/webm', Buffer.from(sound)]],
    ['language', 'de'],
    ['response_format', 'json'],
  ])
  good.answer = broken
  const { token } = await join('user')
  expect((await transcribe({}, sound, token)).body).toEqual({
    text: 'from the other',
    model: 'gpt-4o-transcribe',
    provider: 'other',
  })
  expect((await transcribe({ model: 'gpt-4o-transcribe' })).body.provider).toBe('other')
  expect((await transcribe({ model: 'whisper-1' })).status).toBe(502)

  const { body: limited } = await api('POST /keys', { name: 'limited', models: ['gpt-4o-transcribe'] })
  expect((await api('GET /transcription', undefined, limited.secret)).body.models).toEqual(['gpt-4o-transcribe'])
  expect((await transcribe({ model: 'whisper-1' }, sound, limited.secret)).status).toBe(403)
  expect((await send('/api/transcription', {}, token)).status).toBe(400)

  const rows = async () => (await api('GET /requests?limit=50')).body.data as Record<string, unknown>[]
  await expect.poll(async () => (await rows()).length).toBe(6)
  expect((await rows()).at(-1)).toMatchObject({ endpoint: '/api/transcription', provider: 'good', status: 200 })
  const { body: kept } = await api(`GET /requests/${(await rows()).at(-1)!.id}`)
  expect(kept).toMatchObject({ input: expect.stringContaining('said.webm'), output: 'hello' })
})

test('a file of more than 25 MB is too large', async () => {
  const good = await ears(['whisper-1'], hears('hello'))
  const { transcribe } = await start({ upstreams: [{ name: 'good', url: good.url }] })
  const large = await transcribe({}, new Uint8Array(25 * 1024 * 1024 + 1))
  expect(large).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } })
  expect(good.hits).toEqual([])
  expect((await transcribe()).status).toBe(200)
})

test('without a model that hears it says what is missing, and nobody comes in unknown', async () => {
  const deaf = await ears(['chatty'], broken)
  const { api, transcribe } = await start({ upstreams: [{ name: 'deaf', url: deaf.url }] })
  expect((await api('GET /transcription')).body).toEqual({ available: false, models: [] })
  const { status, body } = await transcribe()
  expect(status).toBe(404)
  expect(body.error).toMatchObject({ code: 'model_not_found', message: expect.stringContaining('upstream') })
  expect(await transcribe({}, sound, 'sk-parley-unknown')).toMatchObject({ status: 401 })
  expect(deaf.hits).toEqual([])
})
