import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { openStage } from '../../src/cli/stage.ts'
import { type ChatName, chatDocument, chats, folderDocument, folders } from './seed.ts'
import { serviceModels, startService } from './service.ts'

/** One node of the market, and the token of its run directory. */
export interface Seat {
  readonly origin: string
  readonly token: string
}

/** What the pictures are taken of: real nodes, a real chain, and a service that stands in for those on the internet. */
export interface Market {
  readonly user: Seat
  readonly provider: Seat
  readonly apiKey: string
  readonly model: string
  readonly serviceUrl: string
}

const downModel = 'gemma-3-27b'
/** Only this machine is ever called. */
const userConfig = '[management]\nallowPrivateUpstreams = true\n\n[archive]\nenabled = true'

export async function openMarket(signal: AbortSignal): Promise<{ market: Market; stop: () => Promise<void> }> {
  const service = await startService()
  const stage = await openStage({
    env: process.env,
    signal,
    port: 0,
    deposit: '50',
    userConfig,
    say: line => console.error(line),
  })
  const stop = async () => {
    await stage.stop()
    await service.stop()
  }
  try {
    const market = {
      user: await seatAt(stage.homes.user),
      provider: await seatAt(stage.homes.provider),
      ...{ apiKey: stage.apiKey, model: stage.model, serviceUrl: service.url },
    }
    await furnish(market)
    return { market, stop }
  } catch (cause) {
    await stop()
    throw cause
  }
}

export type Call = (method: string, path: string, body?: object) => Promise<Record<string, unknown>>

const NodeFile = z.looseObject({ url: z.url(), token: z.string() })

async function seatAt(home: string): Promise<Seat> {
  const { url, token } = NodeFile.parse(JSON.parse(await readFile(join(home, 'state/run/node.json'), 'utf8')))
  return { origin: new URL(url).origin, token }
}

/** Calls `/api` of a node as whoever runs it. */
export function callsOf({ origin, token }: Seat): Call {
  const headers = { authorization: `Bearer ${token}` }
  return async (method, path, body) =>
    (await sent(`${origin}/api${path}`, method, body, headers)) as Record<string, unknown>
}

async function sent(
  url: string,
  method: string,
  body: object | undefined,
  headers: Record<string, string>,
): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) console.error(`${method} ${new URL(url).pathname}: ${response.status} ${text.slice(0, 300)}`)
  return text === '' ? {} : JSON.parse(text)
}

async function furnish(market: Market): Promise<void> {
  const call = callsOf(market.user)
  const upstream = (name: string, url: string, models: readonly string[], prices: object) => ({
    ...{ type: 'api', provider: 'openai-compatible', name, status: 'active' },
    config: { url, models, prices: [prices] },
  })
  await call('POST', '/providers', upstream('atelier', market.serviceUrl, serviceModels, { in: '0.4', out: '1.2' }))
  // Nobody listens there.
  await call('POST', '/providers', upstream('attic', 'http://127.0.0.1:9/v1', [downModel], { in: '0.1', out: '0.3' }))
  await call('POST', '/users', {
    email: 'ada@example.org',
    name: 'Ada',
    role: 'operator',
    password: 'a long enough password',
  })
  await call('POST', '/keys', { name: 'notebook', project: 'research', rpm: 60, cache: 'own' })
  await call('POST', '/keys', { name: 'editor', models: [market.model], maxPerDay: '2000000' })
  const now = Date.now()
  await call('PUT', `/folders/${folders.work}`, folderDocument(folders.work, 'Work', now))
  await call('PUT', `/folders/${folders.garden}`, folderDocument(folders.garden, 'House and garden', now))
  for (const name of Object.keys(chats))
    await call('PUT', `/chats/${chatDocument(name as ChatName, now).chat.id}`, chatDocument(name as ChatName, now))
  await traffic(market, call)
}

async function traffic({ user, apiKey, model }: Market, call: Call): Promise<void> {
  const { secret = apiKey } = (await call('POST', '/keys', { name: 'assistant', cache: 'own' })) as { secret?: string }
  const ask = (content: string, name: string, bearer = apiKey, more: object = {}) =>
    sent(
      `${user.origin}/v1/chat/completions`,
      'POST',
      { model: name, messages: [{ role: 'user', content }], ...more },
      { authorization: `Bearer ${bearer}` },
    )
  for (const name of [model, ...serviceModels, downModel]) await ask('What is the capital of France?', name)
  for (const _ of [1, 2]) await ask('What is 7 plus 5?', 'qwen3-32b', secret, { temperature: 0 })
  for (const question of ['Tell me a story about a dog.', 'What is the capital of Spain?']) await ask(question, model)
}
