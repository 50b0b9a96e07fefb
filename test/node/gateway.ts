import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'smol-toml'
import { onTestFinished } from 'vitest'
import { type ConfigInput, createDirectories, loadConfig, resolvePaths } from '../../src/config/index.ts'
import { type Clock, type Random, type Sealer, systemClock, systemRandom } from '../../src/core/index.ts'
import { createNode } from '../../src/node/index.ts'
import { createSealer, openStore, readOrMakeMasterKey, type SqlStore } from '../../src/store/index.ts'
import { bound, createHome } from './stage.ts'

/** A call as a service saw it. */
export interface Asked {
  readonly path: string
  readonly model: string
  readonly key: string | undefined
}

export interface Service {
  /** `/v1` included. */
  readonly url: string
  readonly asked: Asked[]
  /** How often it was asked for its models. */
  readonly lists: () => number
  readonly sockets: { readonly opened: () => number; readonly open: () => number }
  /** What comes before an answer; nothing to begin with. */
  before: (response: ServerResponse) => unknown
  models: readonly string[]
  stop: () => Promise<void>
}

export interface ServiceOptions {
  readonly models: readonly string[]
  readonly port?: number
  /** Milliseconds between the words of a stream. */
  readonly dripMs?: number
  /** Without its key it answers nobody. */
  readonly key?: string
  readonly hangs?: boolean
}

/** An OpenAI server that answers with its own name, and remembers what it was asked. */
export async function startService(name: string, options: ServiceOptions): Promise<Service> {
  const { port = 0, dripMs = 0, key, hangs = false } = options
  const asked: Asked[] = []
  let [lists, opened, open] = [0, 0, 0]
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString()
    const bearer = request.headers.authorization?.replace('Bearer ', '')
    if (hangs) return
    if (key !== undefined && bearer !== key) return void response.writeHead(401).end('{"error":{"message":"no"}}')
    if (request.method === 'GET') {
      lists++
      return void response.end(JSON.stringify({ data: service.models.map(id => ({ id })) }))
    }
    const { model, input } = JSON.parse(text) as { model: string; input?: unknown }
    asked.push({ path: request.url ?? '', model, key: bearer })
    await service.before(response)
    if (response.headersSent) return
    const usage = { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 }
    if (input !== undefined) {
      const data = [{ object: 'embedding', index: 0, embedding: [1, 2] }]
      return void response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ object: 'list', model, data, usage }))
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model }
    for (const [place, content] of [name.slice(0, 1), name.slice(1)].entries()) {
      await sleep(dripMs)
      const finish_reason = place === 1 ? 'stop' : null
      const choices = [{ index: 0, delta: { role: 'assistant', content }, finish_reason }]
      response.write(`data: ${JSON.stringify({ ...head, choices })}\n\n`)
    }
    response.end(`data: ${JSON.stringify({ ...head, choices: [], usage })}\n\ndata: [DONE]\n\n`)
  })
  server.on('connection', socket => {
    opened++
    open++
    socket.once('close', () => open--)
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  const service: Service = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    ...{ asked, models: options.models, before: () => undefined, stop },
    lists: () => lists,
    sockets: { opened: () => opened, open: () => open },
  }
  onTestFinished(stop)
  return service
}

export interface GatewayOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly clock?: Clock
  readonly random?: Random
  /** One that has been lived in. */
  readonly home?: string
  /** Where its page was built. */
  readonly uiDirectory?: string
}

/** A node with a configuration file, and the store it shares with whoever opens it too. */
export async function startGateway(
  input: ConfigInput,
  { env: more = {}, clock, random, uiDirectory, home = newHome() }: GatewayOptions = {},
) {
  const env = { PARLEY_HOME: home, ...more }
  const paths = resolvePaths(env)
  createDirectories(paths)
  const lines: string[] = []
  // Services of the tests are on this machine.
  const management = { allowPrivateUpstreams: true }
  const write = (next: ConfigInput) =>
    writeFileSync(paths.configFile, stringify({ http: { port: 0 }, models: { nano: false }, management, ...next }))
  write(input)
  const reread = () => loadConfig({ env }).config
  const node = await createNode({
    ...{ config: reread(), reread, env, writeLog: line => void lines.push(line) },
    ...(clock && { clock }),
    ...(random && { random }),
    ...(uiDirectory !== undefined && { uiDirectory }),
  })
  onTestFinished(() => node.stop())
  const startedAt = performance.now()
  await node.start(bound())
  const startMs = performance.now() - startedAt
  const { token } = JSON.parse(readFileSync(paths.nodeFile, 'utf8')) as { token: string }
  const send = (path: string, body: object, key = node.firstKey) =>
    fetch(node.url.replace(/\/v1$/, path), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(body),
    })
  const chat = (model: string, fields: object = {}, key = node.firstKey) =>
    send('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }], ...fields }, key)
  return {
    ...{ node, write, send, chat, token, paths, lines, startMs, home },
    /** The text of a whole answer, or its status and error code. */
    ask: async (model: string, fields: object = {}, key = node.firstKey) => {
      const answer = await chat(model, fields, key)
      const body = (await answer.json()) as Said
      return answer.ok ? body.choices?.[0]?.message.content : `${answer.status} ${body.error?.code}`
    },
    models: async () => {
      const answer = await fetch(`${node.url}/models`, { headers: { authorization: `Bearer ${node.firstKey}` } })
      return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id).sort()
    },
    /** The same rows, seen from another process. */
    store: async (): Promise<{ store: SqlStore; sealer: Sealer }> => {
      const sealer = createSealer(readOrMakeMasterKey(paths.masterKeyFile, systemRandom), systemRandom)
      const store = await openStore({ path: paths.storeFile }, { clock: systemClock, random: systemRandom, sealer })
      onTestFinished(() => store.close())
      return { store, sealer }
    },
  }
}

function newHome(): string {
  const { path, remove } = createHome()
  onTestFinished(remove)
  return path
}

interface Said {
  readonly choices?: readonly { readonly message: { readonly content: string } }[]
  readonly error?: { readonly code: string; readonly message: string }
}
