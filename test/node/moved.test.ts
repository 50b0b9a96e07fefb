import { expect, test } from 'vitest'
import { until } from '../compliance.ts'
import { configOf, createHome, deposit, freePort, register, startChain, startNode } from './stage.ts'

test('a provider that moved since it registered is found through the DHT and bought from', {
  timeout: 90_000,
}, async () => {
  const dev = await startChain()
  const [first, moved, user] = [createHome(), createHome(), createHome()]
  const [firstPort, oldPort, newPort] = [await freePort(), await freePort(), await freePort()]
  await register(dev, first.path, 1, firstPort)
  const { address } = await register(dev, moved.path, 3, oldPort)
  await deposit(dev, 2, 10_000_000n)
  const selling = (port: number) => ({
    provider: { enabled: true },
    p2p: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
  })
  const nodes = [
    await startNode(configOf(dev, first.path, 1, selling(firstPort))),
    await startNode(configOf(dev, moved.path, 3, selling(newPort))),
  ]
  const buying = await startNode(configOf(dev, user.path, 2, { models: { nano: false } }))
  try {
    const learned = () => {
      const providers = buying.status().providers as { provider: string; error: unknown; models: unknown[] }[]
      const found = providers.find(({ provider }) => provider === address)
      return found !== undefined && found.error === null && found.models.length === 1
    }
    expect(await until(learned, 60_000)).toBe(true)
  } finally {
    await buying.stop()
    for (const node of nodes) await node.stop()
    await dev.stop()
    for (const home of [first, moved, user]) home.remove()
  }
})
