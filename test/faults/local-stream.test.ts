import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUpstream } from '../../src/backends/index.ts'
import { createLlamaBackend, type LlamaBackend } from '../../src/backends/llama/index.ts'
import { type Backend, type Clock, createEventLog, systemClock, systemRandom } from '../../src/core/index.ts'
import { createRanking, router } from '../../src/gateway/index.ts'
import { contextFor, endless, nanoPath } from '../backends/llama-stage.ts'
import { type FaultyUpstream, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { ask } from './asking.ts'
import { backupWords } from './faults.ts'

const heartbeatMs = 40
const sequences = 2

let llama: LlamaBackend
let backup: FaultyUpstream
let front: LocalServer
const ends: (() => unknown)[] = []

/** What the model on this machine said by itself, before anybody held it back; one entry for each time it was asked. */
const said: string[][] = []
/** Called with each chunk of the model as it is said. */
let onChunk: (text: string) => void = () => {}

function overheard(backend: Backend): Backend {
  return {
    ...backend,
    run: async function* (call, context) {
      const own: string[] = []
      said.push(own)
      const reply = backend.run(call, context)
      try {
        for (;;) {
          const step = await reply.next()
          if (step.done === true) return step.value
          const text = Buffer.from(step.value.bytes).toString()
          own.push(text)
          onChunk(text)
          yield step.value
        }
      } finally {
        await reply.return(undefined as never)
      }
    },
  }
}

/** A clock that breaks when it is read for the `at`-th time from now: what the engine's loop cannot do without. */
const broken = { at: 0 }
const breakingClock: Clock = {
  now: systemClock.now,
  monotonic: () => {
    if (broken.at > 0 && --broken.at === 0) throw new RangeError('the engine is out of order')
    return systemClock.monotonic()
  },
}

beforeAll(async () => {
  const models = [{ id: 'nano', path: nanoPath, parallel: sequences, threads: 1 }]
  llama = createLlamaBackend({ models, clock: breakingClock, random: systemRandom, gpu: false, preload: true })
  await llama.start(AbortSignal.timeout(20_000))
  backup = await startFaultyUpstream(['nano'])
  backup.always(stream({ words: backupWords }))
  const shared = { clock: systemClock, connectTimeoutMs: 5_000, maxConnections: 8 }
  const other = createUpstream({ name: 'backup', url: backup.url, ...shared })
  const local = overheard(llama)
  const targets = [
    { name: 'llama', kind: 'local' as const, backend: local },
    { name: 'backup', kind: 'api' as const, backend: other },
  ]
  const backend = router({
    candidates: { serving: () => targets, names: () => targets.map(({ name }) => name), models: async () => [] },
    ...{ ranking: createRanking(systemClock, systemRandom), policy: 'priority', maxAttempts: 2 },
    timeouts: { firstChunkMs: 20_000, idleMs: 20_000, totalMs: 60_000 },
    ...{ log: createEventLog(systemClock.now), clock: systemClock },
  })
  front = await serveLocally(backend, { heartbeatMs })
  ends.push(backup.stop, other.close, llama.stop, front.stop)
})
afterAll(async () => {
  for (const end of ends.toReversed()) await end()
})

const key = 'sk-parley-test'
const both = { order: ['llama', 'backup'], only: ['llama', 'backup'] }
/** Takes several batches to read. */
const longPrompt = 'a b c d '.repeat(400)

describe('the opening of an answer', () => {
  /** The engine's loop reads the clock once for a call and twice for each batch: it has begun, and is still reading. */
  const amongBatches = 8

  async function brokenWhileReading(provider: unknown) {
    said.length = 0
    broken.at = amongBatches
    const messages = [{ role: 'user', content: longPrompt }]
    const body = { model: 'nano', temperature: 0, max_tokens: 20, stream: true, messages, provider }
    const heard = await ask({ url: front.url, key, body })
    broken.at = 0
    return heard
  }

  test('is held back: an engine that breaks before the first word is replaced by another target', async () => {
    const heard = await brokenWhileReading(both)
    expect(said).toHaveLength(1)
    expect(said[0]!.join('')).toContain('"role":"assistant"')
    expect(heard).toMatchObject({ status: 200, text: backupWords.join(''), isDone: true, error: undefined })
    expect(heard.headers.get('x-parley-provider')).toBe('backup')
    // Of the answer that broke nothing was shown.
    expect(heard.raw.split('\n\n').filter(event => event.includes('"role":"assistant"'))).toEqual([])
    expect(backup.hits).toHaveLength(1)
  })

  test('is held back: with nobody else the same target is asked again, and the app sees one opening', async () => {
    const heard = await brokenWhileReading('llama')
    expect(said).toHaveLength(2)
    expect(said[0]!.join('')).toContain('"role":"assistant"')
    expect(heard).toMatchObject({ status: 200, isDone: true, error: undefined })
    expect(heard.headers.get('x-parley-attempts')).toBe('2')
    expect(heard.raw.split('"role":"assistant"')).toHaveLength(2)
  })
})

/** Begins an answer and does not read on: the sequence is taken until it is let go. */
async function hold(owner: string): Promise<() => Promise<void>> {
  const gone = new AbortController()
  const reply = llama.run(endless({ max_tokens: 1_900 }), contextFor(gone.signal, owner))
  await reply.next()
  return async () => {
    gone.abort()
    await reply.return(undefined as never).catch(() => undefined)
  }
}

test('an answer that falls silent after words is kept alive by comments, and ends whole', async () => {
  // Who has one sequence already has to wait for a second one until others had their turn.
  const letFirstGo = await hold('test')
  let other: Promise<() => Promise<void>> | undefined
  onChunk = () => {
    other ??= hold('somebody else')
  }
  const { logit_bias } = endless().body as { logit_bias?: unknown }
  const response = await fetch(`${front.url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({
      ...{ model: 'nano', stream: true, n: 2, max_tokens: 30, temperature: 0, logit_bias, provider: 'llama' },
      messages: [{ role: 'user', content: 'Hello' }],
    }),
  })
  expect(response.status).toBe(200)
  let raw = ''
  let letOtherGo: Promise<void> | undefined
  for await (const bytes of response.body!) {
    raw += Buffer.from(bytes).toString()
    const isSilent = raw.split(': ping\n\n').length > 3
    if (isSilent) letOtherGo ??= other!.then(letGo => letGo())
  }
  await Promise.all([letFirstGo(), letOtherGo])
  onChunk = () => {}
  const events = raw.split('\n\n').filter(event => event !== '')
  const isPing = (event: string) => event === ': ping'
  const [first, last] = [events.findIndex(isPing), events.findLastIndex(isPing)]
  // Words of the one answer before, of the other behind; comments add nothing and take nothing.
  expect(events.slice(0, first).join('')).toContain('"index":0')
  expect(events.slice(last).join('')).toContain('"index":1')
  expect(events.filter(event => !isPing(event)).every(event => event.startsWith('data: '))).toBe(true)
  expect(events.at(-1)).toBe('data: [DONE]')
  expect(textOf(events, 0)).toBe(textOf(events, 1))
  expect(textOf(events, 0).length).toBeGreaterThan(10)
})

interface Body {
  readonly choices?: readonly { readonly index: number; readonly delta?: { readonly content?: string } }[]
}

function textOf(events: readonly string[], index: number): string {
  const bodies = events.filter(event => event.startsWith('data: {')).map(event => JSON.parse(event.slice(6)) as Body)
  const pieces = bodies.flatMap(({ choices = [] }) => choices.filter(choice => choice.index === index))
  return pieces.map(({ delta }) => delta?.content ?? '').join('')
}
