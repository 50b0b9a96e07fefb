import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { resolvePaths } from '../../src/config/index.ts'
import { openMarket } from './market.ts'

test('what a peer sells is listed with its price in the token, and who reads the prompt', async () => {
  const { user, provider, ai, stop } = await openMarket({ user: { routing: { attemptsMax: 1 } } })
  onTestFinished(stop)
  const { token } = JSON.parse(readFileSync(resolvePaths({ PARLEY_HOME: user.home }).nodeFile, 'utf8'))
  const url = `${user.node.url.replace(/\/v1$/, '')}/api/models`
  const list = async () =>
    (await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).json()) as { data: unknown[] }
  const [sold] = provider.node.status().selling
  const name = user.node.status().providers[0]!.provider
  const offer = { provider: name, kind: 'peer', privacy: 'peer', state: 'up', currency: 'PTD', unit: 'tokens' }
  const millionth = 1_000_000
  const price = (units: string) => String(Number(units) / millionth)
  await expect.poll(list, { timeout: 5_000 }).toMatchObject({
    data: [
      {
        id: sold!.model,
        pricing: { prompt: sold!.priceIn, completion: sold!.priceOut },
        offers: [{ ...offer, priceIn: price(sold!.priceIn), priceOut: price(sold!.priceOut), ttftP50Ms: null }],
      },
    ],
  })
  await ai.chat.completions.create({ model: sold!.model, messages: [{ role: 'user', content: 'hi' }], max_tokens: 4 })
  const used = { ...offer, uptime: 1, ttftP50Ms: expect.any(Number) }
  await expect.poll(list, { timeout: 5_000 }).toMatchObject({ data: [{ offers: [used] }] })
  await provider.node.stop()
  await ai.chat.completions
    .create({ model: sold!.model, messages: [{ role: 'user', content: 'hi' }] }, { maxRetries: 0 })
    .catch((cause: unknown) => cause)
  await expect.poll(list, { timeout: 5_000 }).toMatchObject({ data: [{ offers: [{ state: 'resting', uptime: 0.5 }] }] })
}, 120_000)
