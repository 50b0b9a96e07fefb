import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWallets, lightScryptN } from '../../src/chain/index.ts'
import { createConfig, resolvePaths } from '../../src/config/index.ts'
import { systemRandom } from '../../src/core/index.ts'
import { openAccount } from '../../src/node/account.ts'
import { createNode, type ParleyNode } from '../../src/node/index.ts'
import { until } from './market.ts'
import { bound, configOf, createHome, type DevChain, freePort, register, startChain, startNode } from './stage.ts'

const endings: (() => unknown)[] = []
let dev: DevChain

beforeAll(async () => {
  dev = await startChain()
})
afterAll(async () => {
  for (const end of endings.splice(0).reverse()) await end()
  await dev?.stop()
})

function homeOf(): string {
  const home = createHome()
  endings.push(home.remove)
  return home.path
}

async function started(...given: Parameters<typeof startNode>): Promise<ParleyNode> {
  const node = await startNode(...given)
  endings.push(() => node.stop())
  return node
}

/** In front of the chain: says it is another chain until it is told to pass everything on. */
async function startSwitch(rpcUrl: string) {
  let isOther = true
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    const asked = JSON.parse(body.toString()) as { id: number } | { id: number }[]
    const other = ({ id }: { id: number }) => ({ jsonrpc: '2.0', id, result: '0x1' })
    const headers = { 'content-type': 'application/json' }
    const said = isOther
      ? JSON.stringify(Array.isArray(asked) ? asked.map(other) : other(asked))
      : await (await fetch(rpcUrl, { method: 'POST', headers, body })).text()
    response.writeHead(200, headers).end(said)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  endings.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, letThrough: () => void (isOther = false) }
}

test('a node whose network cannot start says so, answers with its own models, and has its network when it can', {
  timeout: 60_000,
}, async () => {
  const rpc = await startSwitch(dev.rpcUrl)
  const node = await started(configOf({ ...dev, rpcUrl: rpc.url }, homeOf(), 2))
  const error = () => (node.status().chain as { error: string | null }).error
  await until(() => error() !== null, 'the wrong chain is noticed')
  expect(node.status().notReady).toEqual(['network'])
  const headers = { authorization: `Bearer ${node.firstKey}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'parley-nano', messages: [{ role: 'user', content: 'hi' }] })
  expect((await fetch(`${node.url}/chat/completions`, { method: 'POST', headers, body })).status).toBe(200)
  rpc.letThrough()
  await until(() => node.status().notReady.length === 0 && error() === null, 'the network is there', 40_000)
})

test('a provider at a private address is dialled only if the configuration says so', { timeout: 60_000 }, async () => {
  const [far, port] = [homeOf(), await freePort()]
  const { address } = await register(dev, far, 1, port)
  const p2p = { listen: [`/ip4/127.0.0.1/tcp/${port}`] }
  await started(configOf(dev, far, 1, { provider: { enabled: true }, p2p }))
  const models = { nano: false }
  const wary = await started(configOf(dev, homeOf(), 2, { models, p2p: { dialPrivate: false } }))
  const local = await started(configOf(dev, homeOf(), 3, { models }))
  type Seen = { provider: string; error: { code: string } | null; models: unknown[] }
  const seen = (node: ParleyNode) => (node.status().providers as Seen[]).find(({ provider }) => provider === address)
  await until(() => seen(local)?.models.length === 1, 'it is learned')
  await until(() => seen(wary)?.error != null, 'it is not reached')
  expect(seen(wary)).toMatchObject({ error: { code: 'peer_unreachable' }, models: [] })
})

test('a node that could not be made or started leaves its home free, and can be stopped', async () => {
  const home = homeOf()
  const paths = resolvePaths({ PARLEY_HOME: home })
  const models = { nano: false }
  const chainless = createConfig({ http: { port: 0 }, models, provider: { enabled: true } }, paths)
  await expect(createNode({ config: chainless, env: {} })).rejects.toMatchObject({ code: 'config_invalid' })
  expect(existsSync(paths.lockFile)).toBe(false)

  mkdirSync(paths.nodeFile, { recursive: true })
  const node = await createNode({ config: createConfig({ http: { port: 0 }, models }, paths), env: {} })
  await expect(node.start(bound())).rejects.toThrow()
  await node.stop()
  expect(existsSync(paths.lockFile)).toBe(false)
  rmSync(paths.nodeFile, { recursive: true })
  const second = await startNode(createConfig({ http: { port: 0 }, models }, paths))
  expect(second.firstKey).toBeUndefined()
  await second.stop()
})

test('a wallet that could not be unlocked is tried again', async () => {
  const home = homeOf()
  const paths = resolvePaths({ PARLEY_HOME: home })
  const directory = paths.walletsDirectory
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  await createWallets({ directory, random: systemRandom, scryptN: lightScryptN }).create('default', 'right password')
  const passwordFile = join(home, 'password')
  writeFileSync(passwordFile, 'wrong password', { mode: 0o600 })
  const account = (await openAccount(createConfig({ wallet: { passwordFile } }, paths), systemRandom))!
  await expect(account.signer()).rejects.toThrow()
  writeFileSync(passwordFile, 'right password')
  expect((await account.signer()).address).toBe(account.address)
})
