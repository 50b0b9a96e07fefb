import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe } from 'vitest'
import { createKeys, type KeyWish } from '../../src/auth/index.ts'
import { type Sealer, systemClock, systemRandom } from '../../src/core/index.ts'
import { createSealer, openStore, parseMasterKey, type SqlStore, type StorePlace } from '../../src/store/index.ts'
import { startParley } from '../cli/parley.ts'
import { nginxMissing } from '../nginx.ts'
import { createHome, freePort } from '../node/stage.ts'
import { postgresMissing } from '../postgres.ts'
import { redisMissing } from '../redis.ts'

/** Tests that need servers: skipped by the name of the first that is missing, unless they are demanded. */
export function describeWith(needs: readonly ('postgres' | 'redis' | 'nginx')[], name: string, tests: () => void) {
  const missing = { postgres: postgresMissing, redis: redisMissing, nginx: nginxMissing }
  const why = needs.map(need => missing[need]).find(reason => reason !== undefined)
  if (why === undefined) describe(name, tests)
  else describe.skip(`${name} (${why})`, tests)
}

/** A seal that all nodes of a test have in common. */
export const masterKey = Buffer.from('a master key of thirty-two bytes').toString('hex')

/** A node as its operator runs it: the command, set up by its environment alone. */
export interface ClusterNode {
  readonly home: string
  /** Without `/v1`. */
  readonly origin: string
  /** Made at the first start with an empty store. */
  readonly firstKey: string | null
  /** Opens what is for the commands of its machine. */
  readonly token: string
  readonly log: () => string
  /** `kill -9`. */
  readonly kill: () => Promise<void>
  /** SIGTERM; its exit status. */
  readonly stop: () => Promise<number | null>
  /** SIGTERM alone. */
  readonly tell: () => void
  readonly remove: () => Promise<void>
}

export interface NodeWish {
  readonly env: Readonly<Record<string, string>>
  /** One that was lived in. */
  readonly home?: string
  readonly port?: number
}

const startMs = 40_000

/** Set up by variables alone. */
export const commonEnv = {
  PARLEY_MODELS_NANO: 'false',
  PARLEY_MANAGEMENT_ALLOW_PRIVATE_UPSTREAMS: 'true',
  PARLEY_STORE_MASTER_KEY: masterKey,
  PARLEY_LOG_FORMAT: 'json',
  PARLEY_HTTP_CONCURRENCY: '2000',
  PARLEY_HTTP_PER_KEY_CONCURRENCY: '2000',
}

export async function startClusterNode({ env, home, port }: NodeWish): Promise<ClusterNode> {
  const own = home === undefined ? createHome() : { path: home, remove: () => {} }
  const chosen = port ?? (await freePort())
  const all = { ...commonEnv, PARLEY_HTTP_PORT: String(chosen), ...env }
  const { child, ended, said } = startParley(own.path, ['up', '--json'], { env: all })
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
    process.off('exit', onExit)
  }
  const ready = await readyOf(said, () => child.exitCode ?? child.signalCode).catch(async (cause: unknown) => {
    await kill()
    throw cause
  })
  const { token } = JSON.parse(readFileSync(`${own.path}/state/run/node.json`, 'utf8')) as { token: string }
  return {
    home: own.path,
    origin: ready.baseUrl.replace(/\/v1$/, ''),
    firstKey: ready.apiKey,
    token,
    log: () => said().stderr,
    kill,
    stop: async () => {
      child.kill('SIGTERM')
      return (await ended).code
    },
    tell: () => void child.kill('SIGTERM'),
    remove: async () => {
      await kill()
      own.remove()
    },
  }
}

interface Ready {
  readonly baseUrl: string
  readonly apiKey: string | null
}

async function readyOf(
  said: () => { stdout: string; stderr: string },
  gone: () => number | string | null,
): Promise<Ready> {
  for (const until = performance.now() + startMs; ; await sleep(20)) {
    const line = said().stdout.split('\n', 1)[0]!
    if (said().stdout.includes('\n')) return JSON.parse(line) as Ready
    if (gone() !== null || performance.now() > until) throw new Error(`the node did not start: ${said().stderr}`)
  }
}

/** The rows nodes share, as another program sees them. */
export interface Rows {
  readonly store: SqlStore
  readonly sealer: Sealer
  readonly makeKey: (wish: KeyWish) => Promise<{ readonly id: string; readonly secret: string }>
  readonly revokeKey: (id: string) => Promise<unknown>
  readonly close: () => Promise<void>
}

/** Whatever is changed here, no node is told of: they find out. */
export async function openRows(place: StorePlace): Promise<Rows> {
  const parts = { clock: systemClock, random: systemRandom }
  const sealer = createSealer(parseMasterKey(masterKey), systemRandom)
  const store = await openStore(place, { ...parts, sealer })
  const revisions = { changed: () => undefined }
  const keys = createKeys({ ...parts, keys: store.keys, budgets: store.budgets, revisions })
  return {
    ...{ store, sealer },
    makeKey: async wish => {
      const { key, secret } = await keys.create(wish)
      return { id: key.id, secret }
    },
    revokeKey: id => keys.revoke(id),
    close: () => store.close(),
  }
}

export interface Ask {
  readonly model?: string
  readonly prompt?: string
  readonly stream?: boolean
  readonly fields?: object
  readonly signal?: AbortSignal
}

/** One chat of an app. */
export function ask(origin: string, key: string, { prompt = 'hi', model = 'm', ...more }: Ask = {}): Promise<Response> {
  return fetch(`${origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({
      ...{ model, messages: [{ role: 'user', content: prompt }] },
      ...(more.stream && { stream: true }),
      ...more.fields,
    }),
    signal: more.signal ?? AbortSignal.timeout(60_000),
  })
}

/** Its status, with the body read to the end; 0 where there was no whole answer. */
export async function statusOf(answer: Promise<Response>): Promise<number> {
  try {
    const response = await answer
    await response.arrayBuffer()
    return response.status
  } catch {
    return 0
  }
}

/** Asks so often a second, whatever becomes of each, until it is told to end. */
export interface Load {
  /** All that were sent, in order, each with when it was sent and how long it took. */
  readonly end: () => Promise<readonly Sent[]>
  readonly sent: () => number
}

export interface Sent {
  readonly status: number
  /** `performance.now()`. */
  readonly at: number
  readonly ms: number
  readonly prompt: string
}

export function startLoad(perSecond: number, one: (prompt: string) => Promise<Response>): Load {
  const startedAt = performance.now()
  const running: Promise<Sent>[] = []
  const send = async (): Promise<Sent> => {
    const prompt = `question ${running.length}`
    const at = performance.now()
    const status = await statusOf(one(prompt))
    return { status, at, ms: performance.now() - at, prompt }
  }
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond
    while (running.length < due) running.push(send())
  }, 5)
  return {
    sent: () => running.length,
    end: async () => {
      clearInterval(timer)
      return await Promise.all(running)
    },
  }
}

/** Waits until it holds; throws what it is about otherwise. */
export async function waitUntil(what: string, holds: () => Promise<boolean> | boolean, ms = 20_000): Promise<void> {
  for (const end = performance.now() + ms; !(await holds()); await sleep(50)) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`)
  }
}

/** Events of this type in a log of JSON lines. */
export function linesOf(log: string, type: string, service?: string): string[] {
  return log.split('\n').filter(line => line.includes(type) && (service === undefined || line.includes(`"${service}"`)))
}

/** A way to a server that can go dead: then nothing that is sent comes through, and nobody is told. */
export interface Line {
  readonly url: string
  readonly hang: () => void
  /** What hung is broken off, and new connections come through again. */
  readonly mend: () => void
  readonly close: () => Promise<void>
}

/** `delayMs` is how much later its answers come. */
export async function startLine(to: string, delayMs = 0): Promise<Line> {
  const target = new URL(to)
  const pairs = new Set<readonly [Socket, Socket]>()
  let isDead = false
  const server = createServer(near => {
    const far = connect(Number(target.port), target.hostname)
    const pair = [near, far] as const
    pairs.add(pair)
    const end = () => {
      for (const socket of pair) socket.destroy()
      pairs.delete(pair)
    }
    for (const socket of pair) socket.on('error', end).on('close', end)
    near.on('data', data => void (isDead || far.write(data)))
    far.on('data', data => void setTimeout(() => isDead || near.destroyed || near.write(data), delayMs))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(to)
  url.port = String((server.address() as AddressInfo).port)
  const breakAll = () => {
    for (const [near] of pairs) near.destroy()
  }
  return {
    url: url.href,
    hang: () => {
      isDead = true
    },
    mend: () => {
      isDead = false
      breakAll()
    },
    close: async () => {
      breakAll()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** How many there were of each status. */
export function tally(sent: readonly { readonly status: number }[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of sent) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
