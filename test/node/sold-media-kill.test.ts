import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ParleyNode } from '../../src/node/index.ts'
import { type MediaService, sendJson, startMediaService } from '../media-service.ts'
import { channelOf, offered, sellingOn, until, userAccount } from './market.ts'
import { type NodeProcess, startNodeProcess } from './processes.ts'
import {
  configInputOf,
  configOf,
  createHome,
  type DevChain,
  deposit,
  freePort,
  register,
  startChain,
  startNode,
} from './stage.ts'

/** A picture costs 40 units, a character 2; a call at least 1. */
const modelPrices = {
  'image-1': { unit: 'images', out: '40' },
  'tts-1': { unit: 'characters', in: '2' },
} as const
const input = 'eight ch'
const picture = { created: 1, data: [{ b64_json: Buffer.alloc(200_000).toString('base64') }] }

const endings: (() => unknown)[] = []
const [far, near] = [createHome(), createHome()]
let dev: DevChain
let studio: MediaService
let user: ParleyNode
let provider: NodeProcess
let ai: OpenAI
let start: () => Promise<NodeProcess>

beforeAll(async () => {
  endings.push(far.remove, near.remove)
  dev = await startChain()
  endings.push(dev.stop)
  studio = await startMediaService(Object.keys(modelPrices))
  endings.push(studio.stop)
  studio.answer = async ({ path, gone }, response) => {
    await new Promise(resolve => setTimeout(resolve, 15))
    if (path.endsWith('/generations')) return sendJson(response, picture)
    response.writeHead(200, { 'content-type': 'audio/mpeg' })
    for (let i = 0; i < 20 && !gone.aborted; i++) {
      response.write(Buffer.alloc(5_000, i))
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    response.end()
  }
  const port = await freePort()
  await register(dev, far.path, 1, port)
  await deposit(dev, userAccount, 50_000_000n)
  const upstreams = [{ name: 'studio', url: studio.url }]
  const sells = { modelPrices, prices: { minimum: '0.000001' }, claim: { everySeconds: 0 } }
  const config = configInputOf(dev, 1, { models: { nano: false }, upstreams, ...sellingOn(port, { provider: sells }) })
  start = () => startNodeProcess({ home: far.path, config })
  provider = await start()
  endings.push(() => provider.kill())
  const routing = { attemptsMax: 1 }
  user = await startNode(configOf(dev, near.path, userAccount, { models: { nano: false }, routing }))
  endings.push(user.stop)
  ai = new OpenAI({ baseURL: user.url, apiKey: user.firstKey!, maxRetries: 0 })
  await offered(user, 'tts-1')
}, 60_000)
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

const paid = () => channelOf(near.path, 'user')?.charged ?? 0n
const earned = () => channelOf(far.path, 'provider')?.charged ?? 0n

const asks = {
  pictures: async () => void (await ai.images.generate({ model: 'image-1', prompt: 'a cat', n: 2 })),
  speech: async () => void (await (await ai.audio.speech.create({ model: 'tts-1', voice: 'a', input })).arrayBuffer()),
}
const prices = { pictures: 80n, speech: 16n }

/** Asked until the provider is back and known again. */
async function askAgain(): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await asks.pictures()
    } catch (cause) {
      if (tries > 100) throw cause
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

test.each([
  ['pictures', { type: 'call.started', nth: 1 }],
  ['pictures', { type: 'receipt.issued', nth: 1 }],
  ['pictures', { type: 'call.ended', nth: 1 }],
  ['speech', { type: 'call.started', nth: 1 }],
  ['speech', { ms: 30 }],
  ['speech', { type: 'receipt.issued', nth: 1 }],
] as const)('kill -9 of the provider of %s at %j: the books meet again, nobody pays for more', async (what, at) => {
  const before = paid()
  if ('type' in at) await provider.doom(at)
  const asked = asks[what]().catch(() => undefined)
  if ('ms' in at) await new Promise(resolve => setTimeout(resolve, at.ms))
  else await until(() => !provider.isAlive(), 'it is dead')
  await provider.kill()
  await asked
  provider = await start()
  await askAgain()
  await until(() => paid() === earned() && paid() >= before + 40n, 'the books are equal')
  expect(paid() - before - 40n).toBeLessThanOrEqual(prices[what])
  const isOfMoney = (code: unknown) => /ledger|mismatch|receipt/.test(String(code))
  expect(user.log.recent().filter(event => 'code' in event && isOfMoney(event.code))).toEqual([])
})
