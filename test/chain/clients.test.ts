import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createChain,
  createEscrowPayer,
  createEscrowReader,
  createSender,
  createSigner,
  mintTestToken,
  readRegistryTerms,
} from '../../src/chain/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { type DevChain, failure, soon, startDevChain } from './dev-chain.ts'

let dev: DevChain
let other: DevChain
const servers: Server[] = []

beforeAll(async () => {
  ;[dev, other] = await Promise.all([startDevChain(), startDevChain('--chain-id', '4242')])
}, 90_000)

afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await Promise.all([dev?.stop(), other?.stop()])
})

/** An endpoint that stands before the real chain and does to each request what the test says. */
async function endpoint(meddle: (method: string) => 'pass' | 'hang' | 'fail' | 'lose the answer'): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const what = meddle(JSON.parse(body.toString()).method)
    if (what === 'hang') return
    if (what === 'fail') return void response.writeHead(500).end('broken')
    const headers = { 'content-type': 'application/json' }
    const answer = await (await fetch(dev.rpcUrl, { method: 'POST', headers, body })).text()
    if (what === 'lose the answer') return void response.destroy()
    response.writeHead(200, headers).end(answer)
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('the check finds block, clock and token of the configured chain', async () => {
  const { blockNumber, behindSeconds, token } = await dev.chain.check(soon())
  expect(blockNumber).toBeGreaterThanOrEqual(BigInt(dev.blockNumber))
  expect(Math.abs(behindSeconds)).toBeLessThan(120)
  expect(token).toBe(dev.token)
})

test('an endpoint of another chain is never believed', async () => {
  const error = await failure(dev.open([other.rpcUrl]).check(soon()))
  expect(error.code).toBe('chain_mismatch')
  expect(error.message).toContain('serves chain 4242, not 31337')
  await expect(dev.open([other.rpcUrl, dev.rpcUrl]).check(soon())).resolves.toMatchObject({ token: dev.token })
})

test('addresses without the contracts are noticed', async () => {
  const settings = { ...dev.chain.settings, escrow: dev.accounts[0]!.address }
  const error = await failure(createChain(settings, { clock: systemClock }).check(soon()))
  expect(error.code).toBe('chain_mismatch')
  expect(error.message).toContain('there is no contract at')
  const swapped = { ...dev.chain.settings, registry: dev.token }
  const wrong = await failure(createChain(swapped, { clock: systemClock }).check(soon()))
  expect(wrong.message).toContain('the configuration names')
  const empty = createChain({ ...dev.chain.settings, registry: dev.accounts[0]!.address }, { clock: systemClock })
  expect((await failure(readRegistryTerms(empty, soon()))).code).toBe('chain_mismatch')
})

test('a dead endpoint is passed over and then asked last', async () => {
  let asked = 0
  const broken = await endpoint(() => {
    asked++
    return 'fail'
  })
  const chain = dev.open([broken, dev.rpcUrl])
  const block = () => chain.ask('counting', soon(), client => client.getBlockNumber())
  await block()
  const afterFirst = asked
  for (let times = 0; times < 5; times++) await block()
  expect(afterFirst).toBeGreaterThan(0)
  expect(asked).toBe(afterFirst)
})

test('a silent endpoint is bounded by its time-out, and by the signal before that', async () => {
  const silent = await endpoint(() => 'hang')
  const settings = { ...dev.chain.settings, rpcUrls: [silent], timeoutMs: 200 }
  const chain = createChain(settings, { clock: systemClock })
  expect((await failure(chain.check(soon()))).code).toBe('chain_unavailable')
  const patient = createChain({ ...settings, timeoutMs: 600_000 }, { clock: systemClock })
  expect((await failure(patient.check(AbortSignal.timeout(100)))).code).toBe('timeout')
  expect((await failure(patient.check(AbortSignal.abort()))).code).toBe('cancelled')
})

test('an error never repeats the address of an endpoint, which may hold a key', async () => {
  const chain = dev.open(['http://127.0.0.1:9/v2/secret-key'])
  const error = await failure(chain.check(soon()))
  expect(error.code).toBe('chain_unavailable')
  expect(JSON.stringify(error.toBody())).not.toContain('secret-key')
})

test('a transaction whose answer was lost is sent once', async () => {
  let lost = 0
  const flaky = await endpoint(method =>
    method === 'eth_sendRawTransaction' && lost++ === 0 ? 'lose the answer' : 'pass',
  )
  const chain = dev.open([flaky])
  const key = dev.accounts[2]!
  const sender = createSender(chain, createSigner(key.privateKey))
  const count = () => chain.ask('counting', soon(), client => client.getTransactionCount({ address: key.address }))
  const before = await count()
  const sent = await mintTestToken(sender, { token: dev.token, to: key.address, amount: 1n }, soon())
  expect(sent.gasUsed).toBeGreaterThan(0n)
  expect(await count()).toBe(before + 1)
  expect(lost).toBeGreaterThan(0)
})

test('a transaction that stays unmined is sent again with a higher fee and mined once', async () => {
  await dev.rpc('evm_setAutomine', [false])
  try {
    const settings = { ...dev.chain.settings, receiptTimeoutMs: 3_000 }
    const chain = createChain(settings, { clock: systemClock })
    const key = dev.accounts[3]!
    const sender = createSender(chain, createSigner(key.privateKey))
    const mint = { token: dev.token, to: key.address, amount: 1n }
    const error = await failure(mintTestToken(sender, mint, soon()))
    expect(error.code).toBe('timeout')
    const hashes = error.details?.hashes as string[]
    expect(new Set(hashes).size).toBe(3)
    await dev.rpc('evm_mine')
    const receipts = await Promise.all(hashes.map(hash => dev.rpc('eth_getTransactionReceipt', [hash])))
    expect(receipts.map(receipt => receipt !== null)).toEqual([false, false, true])
  } finally {
    await dev.rpc('evm_setAutomine', [true])
  }
})

test('a transaction waits for its confirmations', async () => {
  const chain = createChain({ ...dev.chain.settings, confirmations: 3 }, { clock: systemClock })
  const key = dev.accounts[4]!
  const sender = createSender(chain, createSigner(key.privateKey))
  let isDone = false
  const sending = mintTestToken(sender, { token: dev.token, to: key.address, amount: 1n }, soon()).then(() => {
    isDone = true
  })
  await new Promise(resolve => setTimeout(resolve, 400))
  expect(isDone).toBe(false)
  await dev.rpc('hardhat_mine', ['0x2'])
  await sending
})

test('a deposit counts once it has its confirmations', async () => {
  const careful = createEscrowReader(createChain({ ...dev.chain.settings, confirmations: 3 }, { clock: systemClock }))
  const { signer } = dev.account(1)
  await createEscrowPayer(dev.account(1)).deposit(5n, signer.address, soon())
  const free = async () => (await careful.account(signer.address, soon())).free
  expect(await free()).toBe(0n)
  await dev.rpc('hardhat_mine', ['0x2'])
  expect(await free()).toBe(5n)
  expect((await createEscrowReader(dev.chain).account(signer.address, soon())).free).toBe(5n)
})

test('settings that cannot work are refused', async () => {
  const make = async (change: object) => createChain({ ...dev.chain.settings, ...change }, { clock: systemClock })
  expect((await failure(make({ rpcUrls: [] }))).code).toBe('config_invalid')
  expect((await failure(make({ rpcUrls: ['nonsense'] }))).code).toBe('config_invalid')
  expect((await failure(make({ registry: '0x12' }))).code).toBe('invalid_request')
})
