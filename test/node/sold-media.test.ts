import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { resolvePaths } from '../../src/config/index.ts'
import type { Model } from '../../src/openai/index.ts'
import { type MediaService, sendBody, sendJson, startMediaService } from '../media-service.ts'
import { waveOf } from '../session/sound.ts'
import { channelOf, type Market, offered, openMarket, until } from './market.ts'

/** A picture costs 40 units, a second of sound 3, a character 2, a token that goes in 2; a call at least 1. */
const modelPrices = {
  'image-1': { unit: 'images', out: '40' },
  'whisper-1': { unit: 'seconds', in: '3' },
  'tts-1': { unit: 'characters', in: '2' },
  'omni-moderation-latest': { in: '2', out: '0' },
  'rerank-1': { in: '2', out: '0' },
} as const
/** Of what is asked and answered. */
const words = ['a cat', 'Grüße', 'five5', 'hello']
const models = [...Object.keys(modelPrices), 'dall-e-unpriced']

let studio: MediaService
let market: Market
let ai: OpenAI

beforeAll(async () => {
  studio = await startMediaService(models)
  market = await openMarket({
    provider: {
      models: { nano: false },
      upstreams: [{ name: 'studio', url: studio.url }],
      provider: { modelPrices, prices: { minimum: '0.000001' }, claim: { everySeconds: 0 } },
    },
    // One attempt: what failed is not asked again, so that the books hold one call each.
    user: { routing: { attemptsMax: 1 } },
  })
  ai = market.ai
  await offered(market.user.node, 'rerank-1')
}, 60_000)
afterAll(async () => {
  await market?.stop()
  await studio?.stop()
})
beforeEach(() => {
  studio.hits.length = 0
})

const paid = () => channelOf(market.user.home, 'user')?.charged ?? 0n
const earned = () => channelOf(market.provider.home, 'provider')?.charged ?? 0n

/** What the work adds to both books, once they are equal. */
async function costOf(work: () => Promise<unknown>, expected: bigint): Promise<void> {
  const before = paid()
  expect(earned()).toBe(before)
  await work()
  await until(() => earned() === before + expected && paid() === earned(), `both books hold ${expected} more`)
  await settled()
  expect([paid(), earned()]).toEqual([before + expected, before + expected])
}

/** Time for a receipt too many to be booked. */
const settled = () => new Promise(resolve => setTimeout(resolve, 60))

function pictures(count: number): object {
  return { created: 1, data: Array.from({ length: count }, () => ({ b64_json: 'AAAA' })) }
}

const answering = (body: object, status = 200) => {
  studio.answer = (_hit, response) => sendJson(response, body, status)
}
const file = (bytes: Uint8Array = waveOf(7.2)) => toFile(bytes, 'a.wav', { type: 'audio/wav' })

describe('pictures', () => {
  test('two cost exactly two, and the app is told what they cost', async () => {
    answering(pictures(2))
    await costOf(async () => {
      const { data, response } = await ai.images.generate({ model: 'image-1', prompt: 'a cat', n: 2 }).withResponse()
      expect(data).toEqual(pictures(2))
      expect(response.headers.get('x-parley-cost')).toBe('80')
      expect(response.headers.get('x-parley-provider')?.toLowerCase()).toBe(
        market.dev.accounts[1]!.address.toLowerCase(),
      )
    }, 80n)
    expect(studio.hits[0]!.json()).toEqual({ model: 'image-1', prompt: 'a cat', n: 2 })
  })

  test('those that were not delivered are not paid', async () => {
    answering(pictures(1))
    await costOf(() => ai.images.generate({ model: 'image-1', prompt: 'a cat', n: 3 }), 40n)
  })

  test('large ones arrive whole', async () => {
    const large = { created: 1, data: [{ b64_json: Buffer.alloc(6_000_000, 7).toString('base64') }] }
    answering(large)
    await costOf(async () => {
      expect(await ai.images.generate({ model: 'image-1', prompt: 'a cat' })).toEqual(large)
    }, 40n)
  })

  test('edits reach the upstream with the same fields and bytes', async () => {
    answering(pictures(1))
    const image = await toFile(Buffer.alloc(300_000, 9), 'a "b".png', { type: 'image/png' })
    await costOf(() => ai.images.edit({ model: 'image-1', image, prompt: 'more\r\ncats' }), 40n)
    const fields = new Map(await studio.hits[0]!.form())
    expect(fields.get('prompt')).toBe('more\r\ncats')
    expect(fields.get('image')).toEqual(['a "b".png', 'image/png', Buffer.alloc(300_000, 9)])
  })

  test('of a stream cost each', async () => {
    const event = (type: string) => `event: ${type}\ndata: ${JSON.stringify({ type, b64_json: 'AA' })}\n\n`
    const all = event('image_generation.partial_image') + event('image_generation.completed')
    studio.answer = (_hit, response) => sendBody(response, 'text/event-stream', all)
    await costOf(async () => {
      const types: string[] = []
      const stream = await ai.images.generate({ model: 'image-1', prompt: 'a cat', stream: true })
      for await (const { type } of stream) types.push(type)
      expect(types).toEqual(['image_generation.partial_image', 'image_generation.completed'])
    }, 40n)
  })

  test('that the upstream fails to make cost nothing', async () => {
    answering({ error: { message: 'no' } }, 500)
    const failing = ai.images.generate({ model: 'image-1', prompt: 'a cat', n: 4 })
    await costOf(async () => void (await expect(failing).rejects.toBeInstanceOf(OpenAI.APIError)), 0n)
  })

  test('that cost more than the app allows are not asked for', async () => {
    const headers = { 'parley-max-price': '79' }
    const refused = ai.images.generate({ model: 'image-1', prompt: 'a cat', n: 2 }, { headers })
    await costOf(async () => void (await expect(refused).rejects.toMatchObject({ code: 'price_too_high' })), 0n)
    expect(studio.hits).toHaveLength(0)
  })
})

describe('sound that is heard', () => {
  test('costs the seconds the transcript names', async () => {
    answering({ text: 'hello', duration: 6.1, language: 'en', task: 'transcribe' })
    await costOf(async () => {
      const told = await ai.audio.transcriptions.create({
        model: 'whisper-1',
        file: await file(),
        response_format: 'verbose_json',
      })
      expect(told).toMatchObject({ text: 'hello', duration: 6.1 })
    }, 21n)
    const fields = new Map(await studio.hits[0]!.form())
    expect(fields.get('model')).toBe('whisper-1')
    expect(fields.get('file')).toEqual(['a.wav', 'audio/wav', Buffer.from(waveOf(7.2))])
  })

  test('costs those of the file where none are named, also as text', async () => {
    studio.answer = (_hit, response) => sendBody(response, 'text/plain', 'hello\r\nthere\n')
    await costOf(async () => {
      const text = await ai.audio.translations.create({
        model: 'whisper-1',
        file: await file(),
        response_format: 'text',
      })
      expect(text).toBe('hello\r\nthere\n')
    }, 24n)
  })

  test('is paid before the transcript leaves where it is longer than it looks', async () => {
    answering({ text: 'hello', duration: 60 })
    const sound = await toFile(Buffer.alloc(40_000), 'a.webm')
    await costOf(() => ai.audio.transcriptions.create({ model: 'whisper-1', file: sound }), 180n)
  })

  test('of twenty megabytes goes there', async () => {
    answering({ text: 'long' })
    const sound = await file(waveOf(1_250, { rate: 16_000 }))
    await costOf(() => ai.audio.transcriptions.create({ model: 'whisper-1', file: sound }), 3_750n)
  })
})

describe('speech', () => {
  const sound = Buffer.from(Array.from({ length: 600_000 }, (_, i) => (i * 31) % 251))
  const ask = { model: 'tts-1', voice: 'alloy', input: 'Grüße! 👍' }

  test('costs its characters, and arrives byte for byte', async () => {
    studio.answer = (_hit, response) => sendBody(response, 'audio/mpeg', sound)
    await costOf(async () => {
      const response = await ai.audio.speech.create(ask)
      expect(response.headers.get('content-type')).toBe('audio/mpeg')
      expect(Buffer.from(await response.arrayBuffer()).equals(sound)).toBe(true)
    }, 16n)
  })

  test('that breaks off never looks whole, and costs nothing', async () => {
    studio.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write(sound.subarray(0, 50_000))
      setTimeout(() => response.destroy(), 50)
    }
    await costOf(async () => {
      const read = async () => await (await ai.audio.speech.create(ask)).arrayBuffer()
      await expect(read()).rejects.toThrow()
    }, 0n)
  })

  test('stops at the upstream when its listener leaves, who pays the characters', async () => {
    const left = studio.left()
    studio.answer = async (hit, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' })
      while (!hit.gone.aborted) {
        response.write(sound.subarray(0, 1_000))
        await new Promise(resolve => setTimeout(resolve, 10))
      }
    }
    await costOf(async () => {
      const gone = new AbortController()
      const response = await ai.audio.speech.create(ask, { signal: gone.signal })
      const reader = response.body!.getReader()
      await reader.read()
      gone.abort()
      await until(() => studio.left() > left, 'the upstream sees it')
    }, 16n)
  })
})

describe('what is counted in tokens', () => {
  test('moderation costs what its input measures', async () => {
    answering({ id: 'm', model: 'omni-moderation-latest', results: [{ flagged: false }] })
    await costOf(async () => {
      expect(await ai.moderations.create({ input: ['four', 'five5'] })).toMatchObject({ results: [{ flagged: false }] })
    }, 38n)
  })

  test('ranking costs what the upstream reports', async () => {
    answering({ results: [{ index: 0, relevance_score: 1 }], usage: { total_tokens: 9 } })
    const body = { model: 'rerank-1', query: 'cats', documents: ['dogs', { text: 'mice' }] }
    await costOf(() => ai.post('/rerank', { body }), 18n)
    expect(studio.hits[0]!.json()).toEqual(body)
  })
})

test('the list says by what unit each is sold', async () => {
  const { data } = (await ai.get('/models')) as { data: Model[] }
  const priced = Object.fromEntries(data.map(({ id, pricing }) => [id, pricing]))
  expect(priced['image-1']).toMatchObject({ unit: 'images', prompt: '0', completion: '40000000' })
  expect(priced['whisper-1']).toMatchObject({ unit: 'seconds', prompt: '3000000', completion: '0' })
  expect(priced['tts-1']).toMatchObject({ unit: 'characters', prompt: '2000000' })
  expect(priced['omni-moderation-latest']).toMatchObject({ unit: 'tokens' })
  expect(market.provider.node.status().selling).toContainEqual(
    expect.objectContaining({ model: 'whisper-1', unit: 'seconds', priceIn: '3000000' }),
  )
})

test('a model without a price of its own makes no pictures for peers, nor does one that is sold otherwise', async () => {
  for (const model of ['dall-e-unpriced', 'whisper-1']) {
    const refused = ai.images.generate({ model, prompt: 'a cat' })
    await costOf(
      async () => void (await expect(refused).rejects.toMatchObject({ status: 501, code: 'unsupported' })),
      0n,
    )
  }
  expect(studio.hits).toHaveLength(0)
})

test('the way a call would take is told by its unit', async () => {
  const explained = async (model: string, task: string) => {
    const { nodeFile } = resolvePaths({ PARLEY_HOME: market.user.home })
    const { token } = JSON.parse(readFileSync(nodeFile, 'utf8')) as { token: string }
    const url = market.user.node.url.replace('/v1', `/api/route/explain?model=${model}&task=${task}`)
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    return ((await response.json()) as { candidates: { place?: number; unit: string; why: string }[] }).candidates
  }
  expect(await explained('image-1', 'image')).toMatchObject([{ place: 1, unit: 'images', priceOut: '40000000' }])
  const [chat] = await explained('image-1', 'chat')
  expect(chat).not.toHaveProperty('place')
  expect(chat).toMatchObject({ why: 'it sells images, and this is paid by tokens' })
})

test('no word of it is in the events of either node', () => {
  for (const { node } of [market.user, market.provider]) {
    const told = JSON.stringify(node.log.recent(), (_, value) => (typeof value === 'bigint' ? String(value) : value))
    expect(told).toContain('"task":"image"')
    for (const word of words) expect(told).not.toContain(word)
  }
})

test('no file of the provider holds a word of it', () => {
  const { home } = market.provider
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' })
    .map(name => join(home, name))
    .filter(path => statSync(path).isFile())
  expect(files.length).toBeGreaterThan(3)
  for (const path of files) for (const word of words) expect(readFileSync(path).includes(word)).toBe(false)
})
