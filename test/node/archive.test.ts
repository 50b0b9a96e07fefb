import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Config, createConfig, resolvePaths } from '../../src/config/index.ts'
import { type ArchivedCall, type RequestRow, systemClock, systemRandom } from '../../src/core/index.ts'
import type { ParleyNode } from '../../src/node/index.ts'
import { openStore, type StorePlace } from '../../src/store/index.ts'
import {
  type Answer,
  cut,
  type FaultyUpstream,
  hang,
  json,
  refuse,
  saidWhole,
  startFaultyUpstream,
  text,
  whole,
} from '../faulty-upstream.ts'
import { type Postgres, postgresMissing, startPostgres } from '../postgres.ts'
import { makeKey } from './keys.ts'
import { createHome, startNode } from './stage.ts'

const kinds = [
  'whole',
  'stream',
  'bad',
  'refused',
  'down',
  'left',
  'cut',
  'vector',
  'image',
  'speech',
  'heard',
] as const
type Kind = (typeof kinds)[number]

const answers: Partial<Record<Kind, Answer>> = {
  refused: refuse(400),
  down: refuse(500),
  left: hang('middle'),
  cut: cut('rst'),
  image: json(200, { created: 1, data: [{ b64_json: 'AAAA' }] }),
  speech: text('audio/mpeg', 'sound'),
  heard: json(200, { text: 'was gehört wurde 👂' }),
}

const paths: Partial<Record<Kind, string>> = {
  vector: '/embeddings',
  image: '/images/generations',
  speech: '/audio/speech',
  heard: '/audio/transcriptions',
}

let upstream: FaultyUpstream
let home: ReturnType<typeof createHome>
let config: Config
let node: ParleyNode

const place = (): StorePlace =>
  config.store.url === undefined ? { path: config.paths.storeFile } : { url: config.store.url }

async function start(url: string | undefined): Promise<void> {
  upstream = await startFaultyUpstream(['m'])
  upstream.always(asked => {
    const said = asked.hit.raw.toString()
    const kind = kinds.find(each => said.includes(`${each} number`))
    return (answers[kind ?? 'whole'] ?? whole())(asked)
  })
  home = createHome()
  config = createConfig(
    {
      http: { port: 0 },
      models: { nano: false },
      upstreams: [{ name: 'upstream', url: upstream.url }],
      routing: { attemptsMax: 1 },
      archive: { enabled: true },
      store: { url },
    },
    resolvePaths({ PARLEY_HOME: home.path }),
  )
  node = await startNode(config)
}

async function stop(): Promise<void> {
  await node.stop()
  await upstream.stop()
  home.remove()
}

describe('what is archived in a file', () => {
  beforeAll(() => start(undefined))
  afterAll(stop)
  tests()
})

describe.skipIf(postgresMissing !== undefined)(`what is archived in PostgreSQL ${postgresMissing ?? ''}`, () => {
  let postgres: Postgres
  beforeAll(async () => {
    postgres = await startPostgres()
    await start(await postgres.createDatabase())
  })
  afterAll(async () => {
    await stop()
    await postgres.remove()
  })
  tests()
})

/** What an app got. */
interface Got {
  readonly status: number
  /** The words of the answer, as they were read. */
  readonly text: string
}

function bodyOf(kind: Kind, prompt: string): string | FormData {
  if (kind === 'heard') {
    const form = new FormData()
    form.set('model', 'm')
    form.set('prompt', prompt)
    form.set('file', new Blob(['sound']), 'sound.mp3')
    return form
  }
  if (kind === 'vector' || kind === 'speech') return JSON.stringify({ model: 'm', input: prompt, voice: 'alloy' })
  if (kind === 'image') return JSON.stringify({ model: 'm', prompt })
  if (kind === 'bad') return `{"model":"m","messages":[{"role":"user","content":"${prompt}"}]`
  const isStream = kind === 'stream' || kind === 'left' || kind === 'cut'
  return JSON.stringify({ model: 'm', stream: isStream, messages: [{ role: 'user', content: prompt }] })
}

async function ask(kind: Kind, prompt: string, key = node.firstKey!): Promise<Got> {
  const leave = new AbortController()
  const body = bodyOf(kind, prompt)
  const type = typeof body === 'string' ? { 'content-type': 'application/json' } : undefined
  const response = await fetch(`${node.url}${paths[kind] ?? '/chat/completions'}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, ...type },
    body,
    signal: leave.signal,
  })
  let said = ''
  const decoder = new TextDecoder()
  try {
    for await (const piece of response.body!) {
      said += decoder.decode(piece, { stream: true })
      if (kind === 'left' && wordsIn(said) === saidWhole) leave.abort()
    }
  } catch {
    // It left, or the answer was broken off.
  }
  const isSse = response.headers.get('content-type')?.startsWith('text/event-stream')
  return { status: response.status, text: isSse ? wordsIn(said) : said }
}

function wordsIn(sse: string): string {
  return sse
    .split('\n\n')
    .filter(event => event.startsWith('data: {'))
    .map(event => (JSON.parse(event.slice(6)).choices?.[0]?.delta?.content as string | undefined) ?? '')
    .join('')
}

interface Kept {
  readonly rows: ReadonlyMap<string, RequestRow>
  readonly calls: readonly ArchivedCall[]
}

async function kept(): Promise<Kept> {
  const store = await openStore(place(), { clock: systemClock, random: systemRandom })
  try {
    const rows: RequestRow[] = []
    const calls: ArchivedCall[] = []
    for (let page = 1; ; page++) {
      const [some, texts] = [
        await store.requests.list({}, { page, limit: 500 }),
        await store.archive.list({}, { page, limit: 500 }),
      ]
      rows.push(...some.rows)
      calls.push(...texts.rows)
      // What is written meanwhile moves the pages: one may show what another did.
      const once = [...new Map(calls.map(call => [call.response.id, call])).values()]
      if (some.rows.length < 500) return { rows: new Map(rows.map(row => [row.id, row])), calls: once }
    }
  } finally {
    await store.close()
  }
}

async function keptOf(prompt: string, count: number): Promise<ArchivedCall[]> {
  for (const until = Date.now() + 20_000; Date.now() < until; ) {
    const found = (await kept()).calls.filter(({ input }) => input.content.includes(prompt))
    if (found.length >= count) return found
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  return (await kept()).calls.filter(({ input }) => input.content.includes(prompt))
}

function tests(): void {
  test('of 1,000 mixed requests each is kept once, with what its app got', { timeout: 120_000 }, async () => {
    const got = new Map<string, Got & { kind: Kind }>()
    let next = 0
    const app = async () => {
      while (next < 1_000) {
        const [number, kind] = [next, kinds[next % kinds.length]!]
        next++
        const prompt = `${kind} number ${number} – schön 世界 👋🏽.`
        got.set(prompt, { ...(await ask(kind, prompt)), kind })
      }
    }
    await Promise.all(Array.from({ length: 24 }, app))
    const all = await keptOf(' number ', 1_000)
    expect(all.length).toBe(1_000)
    const { rows } = await kept()
    const byPrompt = new Map(all.map(call => [promptIn(call.input.content), call]))
    expect(byPrompt.size).toBe(1_000)
    for (const [prompt, { kind, status, text: said }] of got) {
      const { input, response } = byPrompt.get(prompt)!
      expect(response.inputId).toBe(input.id)
      expect(response.timestamp).toBeGreaterThanOrEqual(input.timestamp)
      const row = rows.get(input.id)!
      expect([kind, row.status, response.status]).toEqual([kind, status, status])
      expect([kind, response.isPartial]).toEqual([kind, kind === 'left' || kind === 'cut' || status >= 400])
      expect([kind, row.errorCode]).toEqual([kind, errorCodes[kind] ?? null])
      if (kind === 'whole') expect(response.content).toBe(saidWhole)
      else if (kind === 'stream' || kind === 'left' || kind === 'cut') expect(response.content).toBe(said)
      else if (kind === 'vector' || kind === 'image' || kind === 'heard') expect(response.content).toBe(said)
      else if (kind === 'speech') expect(JSON.parse(response.content)).toEqual({ contentType: 'audio/mpeg', bytes: 5 })
      else expect(response.content).toBe('')
      expect(JSON.stringify([row.request, row.response, row.attempts])).not.toMatch(/number|schön|grüezi/)
    }
  })

  const errorCodes: Partial<Record<Kind, string>> = {
    bad: 'invalid_request',
    refused: 'invalid_request',
    down: 'backend_failed',
    left: 'cancelled',
    cut: 'stream_cut',
  }

  function promptIn(content: string): string {
    return /(\w+ number \d+ – schön 世界 👋🏽\.)/.exec(content)![1]!
  }

  test('a key says whether its texts are kept, and what is taken out of them', { timeout: 30_000 }, async () => {
    const silent = await makeKey(place(), { name: 'silent', archive: 'off' })
    const redact = { kinds: ['email', 'secret'], words: ['Rumpelstilzchen'] }
    const careful = await makeKey(place(), { name: 'careful', project: 'tales', redact })
    const said = 'a tale: write to ann@example.com that RUMPELSTILZCHEN has sk-live-0123456789abcdefghij'
    await ask('whole', `silent ${said}`, silent)
    await ask('whole', `careful ${said}`, careful)
    const found = await keptOf('a tale', 1)
    expect(found.map(({ input }) => JSON.parse(input.content).messages[0].content)).toEqual([
      'careful a tale: write to [email] that [word] has [secret]',
    ])
    const rows = [...(await kept()).rows.values()]
    expect(rows.find(({ project }) => project === 'tales')).toMatchObject({
      status: 200,
      provider: 'upstream',
      model: 'm',
    })
    expect(rows.length).toBe(1_002)
  })

  test('an answer from the cache is kept like the one it is', { timeout: 30_000 }, async () => {
    const caching = await makeKey(place(), { name: 'caching', cache: 'own' })
    const [first, second] = [
      await ask('whole', 'whole and twice', caching),
      await ask('whole', 'whole and twice', caching),
    ]
    expect([first.status, second.status]).toEqual([200, 200])
    const found = await keptOf('whole and twice', 2)
    const { rows } = await kept()
    expect(found.map(({ input }) => rows.get(input.id)!.cache).sort()).toEqual(['hit', 'miss'])
    for (const { input, response } of found) {
      expect([response.inputId, response.content, response.isPartial]).toEqual([input.id, saidWhole, false])
    }
  })
}
