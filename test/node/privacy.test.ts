import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type OpenAI from 'openai'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { ParleyNode } from '../../src/node/index.ts'
import { createLogLines } from '../../src/telemetry/index.ts'
import { failingModels, type LeakyUpstream, startLeakyUpstream } from './leaky-upstream.ts'
import { type Market, offered, openMarket, until } from './market.ts'
import { holds, type Tap, tapRpc, tapTcp } from './taps.ts'

/** Short enough for the ten letters a JSON parser quotes. */
const asked = 'quokka74'
const answered = 'wombat99'
const prompt = `Tell nobody about the ${asked} and its ${asked}`
const messages = [{ role: 'user' as const, content: prompt }]
const nano = 'parley-nano'

let market: Market
let ai: OpenAI
let wire: Tap
let rpc: Tap
let upstream: LeakyUpstream
/** The same for the user alone: there is no peer between it and the app. */
let ownUpstream: LeakyUpstream
const own = 'own-'
/** Everything this process and its nodes write to a disk is under here. */
let disk: string
const formerTmp = process.env.TMPDIR
const printed: string[] = []
const errorBodies: { model: string; text: string }[] = []

beforeAll(async () => {
  disk = mkdtempSync(join(tmpdir(), 'parley-disk-'))
  process.env.TMPDIR = disk
  spyOnOutput()
  upstream = await startLeakyUpstream(answered)
  ownUpstream = await startLeakyUpstream(answered, own)
  market = await openMarket({
    inFrontOfPeer: async port => (wire = await tapTcp(port)).port,
    inFrontOfChain: async rpcUrl => `http://127.0.0.1:${(rpc = await tapRpc(rpcUrl)).port}`,
    provider: {
      upstreams: [{ name: 'leaky', url: upstream.url }],
      provider: { claim: { everySeconds: 1, minimum: '0.000001' } },
    },
    user: { upstreams: [{ name: 'own', url: ownUpstream.url }], routing: { attemptsMax: 1 } },
  })
  ai = market.ai
  await offered(market.user.node, 'echo')
  await offered(market.user.node, `${own}echo`)
  await sayEverything()
  await failEverywhere()
  const claims = () => market.provider.node.log.recent().filter(({ type }) => type === 'claim.sent')
  await until(() => claims().length > 0, 'the provider has claimed')
})
afterAll(async () => {
  vi.restoreAllMocks()
  await market?.stop()
  await wire?.stop()
  await rpc?.stop()
  await upstream?.stop()
  await ownUpstream?.stop()
  if (formerTmp === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = formerTmp
  rmSync(disk, { recursive: true, force: true })
})

function spyOnOutput(): void {
  const note = (...said: unknown[]) => void printed.push(said.map(String).join(' '))
  for (const method of ['log', 'error', 'warn', 'info', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation(note)
  }
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream)
    vi.spyOn(stream, 'write').mockImplementation(((...given: Parameters<typeof write>) => {
      note(given[0])
      return write(...given)
    }) as never)
  }
}

/** Prompt and answer as often as they can be: every task, streamed and whole, from an upstream and a model. */
async function sayEverything(): Promise<void> {
  for (const model of ['echo', nano]) {
    const whole = await ai.chat.completions.create({ model, messages })
    if (model === 'echo')
      expect(whole.choices[0]!.message.content).toContain(`${answered}, you said [{"role":"user","content":"${prompt}`)
    for await (const _ of await ai.chat.completions.create({ model, messages, stream: true }));
    await ai.completions.create({ model, prompt, max_tokens: 30 })
    await ai.embeddings.create({ model, input: prompt, encoding_format: 'float' })
  }
  const gone = new AbortController()
  const left = ai.chat.completions.create({ model: 'echo', messages, stream: true }, { signal: gone.signal })
  for await (const _ of await left) gone.abort()
}

/** Every way to fail that could quote what was asked. */
async function failEverywhere(): Promise<void> {
  const chat = (body: object, headers = {}) => post('/chat/completions', { model: nano, messages, ...body }, headers)
  for (const model of [...failingModels, ...failingModels.map(name => own + name)]) {
    await chat({ model, stream: true })
    await chat({ model })
    await post('/completions', { model, prompt })
  }
  await post('/embeddings', { model: 'torn-vector', input: prompt })
  await post('/chat/completions', `{"model":"${nano}","messages":${prompt}`)
  await post('/embeddings', { model: nano, input: { text: prompt } })
  await chat({ model: 'nobody-has-it' })
  await chat({}, { 'parley-max-price': '1' })
  for (const field of ['messages', 'temperature', 'stream', 'tools', 'max_tokens', 'stop', 'n', 'response_format']) {
    await chat({ [field]: prompt })
    await chat({ [field]: [{ role: prompt, type: prompt, [prompt]: prompt }] })
  }
  await chat({ messages: [{ role: 'user', content: `${prompt} `.repeat(20_000) }] })
  const schema = { type: 'object', properties: { a: { pattern: `(${prompt}` } }, required: prompt }
  await chat({ response_format: { type: 'json_schema', json_schema: { name: prompt, schema } } })
  await chat({ tools: [{ type: 'function', function: { name: prompt, parameters: { type: prompt } } }] })
  expect(errorBodies.length).toBeGreaterThan(30)
}

async function post(path: string, body: object | string, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(market.user.node.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${market.user.node.firstKey}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text().catch(String)
  const { model } = /"model":"(?<model>[^"]+)"/.exec(JSON.stringify(body))?.groups ?? {}
  const errors = text.split('\n\n').filter(event => response.status >= 400 || event.includes('"error"'))
  errorBodies.push(...errors.map(error => ({ model: model ?? '', text: error })))
}

function wordsIn(bytes: Uint8Array | string): string[] {
  const view = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  return [asked, answered].filter(word => holds(view, word))
}

function everyFile(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return entries.map(name => join(folder, name)).filter(path => statSync(path, { throwIfNoEntry: false })?.isFile())
}

const nodes = (): ParleyNode[] => [market.user.node, market.provider.node]

test('the search finds a word in every form it could be hidden in', () => {
  for (const form of ['utf8', 'hex', 'base64', 'utf16le'] as const) {
    for (const before of ['', 'a', 'ab', 'abc']) {
      const hidden = Buffer.from(`${before}${asked}, that`, form === 'utf16le' ? form : 'utf8')
      const bytes = form === 'utf16le' || form === 'utf8' ? hidden : Buffer.from(hidden.toString(form))
      expect(wordsIn(bytes)).toEqual([asked])
    }
  }
})

test('no byte between user and provider shows what was asked or answered', () => {
  const captured = wire.bytes()
  expect(captured.length).toBeGreaterThan(20_000)
  expect(holds(captured, '/noise')).toBe(true)
  expect(wordsIn(captured)).toEqual([])
  expect(market.provider.node.status().p2p).toMatchObject({ connectionsIn: wire.connections() })
})

test('nothing the nodes tell their chain shows it', async () => {
  expect(holds(rpc.bytes(), 'eth_sendRawTransaction')).toBe(true)
  expect(wordsIn(rpc.bytes())).toEqual([])
})

test('no block, no calldata and no log on the chain shows it', async () => {
  const ask = async (method: string, ...params: unknown[]) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(market.dev.rpcUrl, { method: 'POST', body })
    return ((await response.json()) as { result: unknown }).result
  }
  const newest = Number(await ask('eth_blockNumber'))
  const logs = (await ask('eth_getLogs', { fromBlock: '0x0', toBlock: 'latest' })) as unknown[]
  const blocks: { transactions: { input: string }[] }[] = []
  for (let i = 0; i <= newest; i++)
    blocks.push((await ask('eth_getBlockByNumber', `0x${i.toString(16)}`, true)) as never)
  expect(logs.length).toBeGreaterThan(3)
  expect(blocks.flatMap(({ transactions }) => transactions).length).toBeGreaterThan(6)
  expect(wordsIn(JSON.stringify([blocks, logs]))).toEqual([])
})

test('no event, no log line, no status and nothing printed by either node shows it', () => {
  for (const node of nodes()) {
    const lines: string[] = []
    const project = createLogLines({ level: 'debug', write: line => lines.push(line) })
    for (const event of node.log.recent()) {
      project(event)
      lines.push(JSON.stringify(event, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
    }
    expect(lines.length).toBeGreaterThan(50)
    expect(lines.filter(line => wordsIn(line).length > 0)).toEqual([])
    expect(wordsIn(JSON.stringify(node.status()))).toEqual([])
  }
  expect(printed.filter(line => wordsIn(line).length > 0)).toEqual([])
})

/** What an upstream of one's own says of a request goes to the app that sent it. */
const toldToItsApp = new Set(['400', '404', '413', '422'].map(status => `${own}refuse-${status}`))

test('no error body repeats it but to the app whose own upstream finds its request at fault; none is a failure of the node', () => {
  expect(errorBodies.filter(({ text }) => text.includes('"internal"'))).toEqual([])
  const leaking = errorBodies.filter(({ text }) => wordsIn(text).length > 0)
  expect(new Set(leaking.map(({ model }) => model))).toEqual(toldToItsApp)
})

test('no file on either disk holds it, while the nodes run and after they stopped', async () => {
  const search = () => everyFile(disk).filter(path => wordsIn(readFileSync(path)).length > 0)
  expect(everyFile(disk).filter(path => path.startsWith(market.provider.home)).length).toBeGreaterThan(3)
  expect(search()).toEqual([])
  await Promise.all(nodes().map(node => node.stop()))
  expect(search()).toEqual([])
})
