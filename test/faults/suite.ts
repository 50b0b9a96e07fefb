import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LoggedEvent } from '../../src/core/index.ts'
import type { ParleyNode } from '../../src/node/index.ts'
import { framed, piece, saidWhole, words } from '../faulty-upstream.ts'
import { until } from '../node/market.ts'
import { type Heard, hitsOf, inTurn, newId } from './asking.ts'
import { backupWords, earlyFaults, type Fault, type LateFault, quirks } from './faults.ts'
import { secrecyTests, spyOnOutput } from './secrecy.ts'
import { attemptsMax, bounds, type Stage } from './stage.ts'

/** One fault in every light. */
export interface Observed {
  /** Nobody else may answer: as a stream, and in one body. */
  readonly alone: Heard
  readonly whole: Heard
  /** A second target is there. */
  readonly second: Heard
  /** The same, and the app wants a broken answer to be gone on with. */
  readonly continued: Heard
}

export interface Scene<S extends Stage> {
  readonly stage: () => S
  readonly seen: (fault: Fault) => Observed
  readonly late: readonly LateFault[]
}

const callsAtOnce = 16
/** What falls silent takes as long as the bounds: those of one kind wait together. */
const isSlow = ({ model }: Fault) => model.includes('hang')
const include_usage = { stream_options: { include_usage: true } }

/** Lets every fault happen, then holds what was seen against the table. */
export function faultSuite<S extends Stage>(open: () => Promise<S>, late: readonly LateFault[]): Scene<S> {
  let stage: S
  const observed = new Map<string, Observed>()
  const seen = ({ model }: Fault) => observed.get(model)!
  const printed: string[] = []

  beforeAll(async () => {
    spyOnOutput(printed)
    stage = await open()
    await observe(earlyFaults, callsAtOnce)
    await observe([...late.filter(isSlow), ...quirks], callsAtOnce)
    // What a provider charges for answers that failed is known to its user only when it asked: one bill at a time.
    const lateAtOnce = stage.kind === 'peer' ? 1 : callsAtOnce
    await observe(
      late.filter(fault => !isSlow(fault)),
      lateAtOnce,
    )
  })
  afterAll(async () => {
    vi.restoreAllMocks()
    await stage?.stop()
  })

  const observe = async (faults: readonly Fault[], atOnce: number) => {
    const asked = faults.flatMap(fault => waysToAsk(stage, fault).map(way => ({ ...way, fault })))
    const heard = await inTurn(asked, atOnce, ({ body }) => stage.chat(body))
    // An app has its answer before the last of it is booked.
    await until(() => heard.every(one => endIn(stage.eventsOf(one)) !== undefined), 'every call is on record')
    for (const [i, { fault, as }] of asked.entries()) {
      observed.set(fault.model, { ...observed.get(fault.model)!, [as]: heard[i]! })
    }
  }

  const scene = { stage: () => stage, seen, late }
  describe('before the first word', () => earlyTests(scene))
  describe('after the first word', () => lateTests(scene))
  describe('what is no fault', () => quirkTests(scene))
  describe('a stream', () => streamingTests(scene))
  describe('an app that leaves', () => leavingTests(scene))
  describe('nobody sees', () => secrecyTests(scene, printed))
  return scene
}

function waysToAsk({ target }: Stage, { model }: Fault): { as: keyof Observed; body: Record<string, unknown> }[] {
  const both = { order: [target, 'backup'], only: [target, 'backup'] }
  return [
    { as: 'alone', body: { model, stream: true, provider: target, ...include_usage } },
    { as: 'whole', body: { model, provider: target } },
    { as: 'second', body: { model, stream: true, provider: both } },
    { as: 'continued', body: { model, stream: true, provider: both, continue_on_failure: true } },
  ]
}

function attemptsIn(events: readonly LoggedEvent[]): string[] {
  return events.flatMap(event => (event.type === 'call.attempted' ? [event.backend] : []))
}

function endIn(events: readonly LoggedEvent[]) {
  return events.find(event => event.type === 'call.ended' || event.type === 'call.failed')
}

function earlyTests({ stage, seen }: Scene<Stage>): void {
  test.each(earlyFaults)('$model: the app gets a status and a code, never the start of a stream', fault => {
    const { status, code } = fault[stage().kind]
    const { alone, whole } = seen(fault)
    for (const heard of [alone, whole]) {
      expect(heard).toMatchObject({ status, text: '', isDone: false, error: { code } })
      expect(heard.headers.get('content-type')).toMatch(/^application\/json/)
    }
    const isLate = fault.model.endsWith('-late')
    expect(alone.headers.get('retry-after')).toBe(isLate ? '60' : fault.model.endsWith('-soon') ? '1' : null)
  })

  test.each(earlyFaults)('$model: a sole target is asked as often as its class allows', fault => {
    const { remedy } = fault[stage().kind]
    const { alone, whole } = seen(fault)
    for (const heard of [alone, whole]) {
      const hits = hitsOf(stage().faulty.hits, heard)
      expect(hits).toHaveLength(remedy === 'again' ? attemptsMax : 1)
      expect(hitsOf(stage().backup.hits, heard)).toEqual([])
      const [first, again] = hits
      if (again !== undefined) expect(again.at - first!.at).toBeGreaterThan(fault.model.endsWith('-soon') ? 990 : 390)
      expect(hits.map(({ body }) => body)).toEqual(
        hits.map(() => expect.objectContaining({ stream: true, ...include_usage })),
      )
      expect(heard.headers.get('x-parley-attempts')).toBe(String(hits.length))
    }
  })

  test.each(earlyFaults)('$model: a second target answers where it may, and is not asked where it must not', fault => {
    const { remedy, status, code } = fault[stage().kind]
    const { second } = seen(fault)
    const atBackup = hitsOf(stage().backup.hits, second)
    expect(hitsOf(stage().faulty.hits, second)).toHaveLength(1)
    if (remedy === 'end') {
      expect(atBackup).toEqual([])
      return expect(second).toMatchObject({ status, error: { code } })
    }
    expect(atBackup).toHaveLength(1)
    expect(second).toMatchObject({ status: 200, text: backupWords.join(''), isDone: true, error: undefined })
    expect(second.headers.get('x-parley-provider')).toBe('backup')
    expect(second.headers.get('x-parley-attempts')).toBe('2')
    expect(atBackup[0]!.body).not.toHaveProperty('provider')
    // No time is lost by waiting: the other one is well.
    if (fault.model.endsWith('-late')) expect(Number(second.headers.get('x-parley-overhead-ms'))).toBeLessThan(1_000)
  })

  test.each(earlyFaults)('$model: the event log has every attempt and one end', fault => {
    const { remedy } = fault[stage().kind]
    const { alone, second } = seen(fault)
    const { target, eventsOf } = stage()
    const told = eventsOf(alone)
    expect(attemptsIn(told)).toEqual(Array(remedy === 'again' ? attemptsMax : 1).fill(target))
    expect(endIn(told)).toMatchObject({ type: 'call.failed', tokensOut: 0, chunks: 0 })
    const failed = told.find(({ type }) => type === 'call.attempted')
    expect(endIn(told)).toMatchObject({ code: (failed as { code?: string }).code })
    expect(attemptsIn(eventsOf(second))).toEqual([target])
    if (remedy !== 'end') {
      expect(endIn(eventsOf(second))).toMatchObject({ type: 'call.ended', servedBy: 'backup', attempts: 2 })
    }
  })
}

function lateTests({ stage, seen, late }: Scene<Stage>): void {
  test.each(late)('$model: the words so far, an error event, and no good end', fault => {
    const code = fault[stage().kind]
    for (const heard of [seen(fault).alone, seen(fault).second]) {
      expect(heard).toMatchObject({ status: 200, text: saidWhole, isDone: false, error: { code } })
      expect(heard.raw.trimEnd().split('\n\n').at(-1)).toMatch(/^data: \{"error":\{/)
      expect(heard.raw).not.toContain('[DONE]')
      expect(heard.raw).not.toContain('"finish_reason":"stop"')
    }
  })

  test.each(late)('$model: in one body there is no half answer', fault => {
    const { whole } = seen(fault)
    expect(whole).toMatchObject({ text: '', error: { code: fault[stage().kind] } })
    expect(whole.status).toBeGreaterThanOrEqual(400)
  })

  test.each(late)('$model: nobody is asked again after the first word, unless the app wants it', fault => {
    const { alone, second, continued } = seen(fault)
    const { faulty, backup } = stage()
    for (const heard of [alone, second]) {
      expect(hitsOf(faulty.hits, heard)).toHaveLength(1)
      expect(hitsOf(backup.hits, heard)).toEqual([])
    }
    expect(hitsOf(faulty.hits, continued)).toHaveLength(1)
    expect(continued).toMatchObject({ text: saidWhole + backupWords.join(''), isDone: true, error: undefined })
    const [next] = hitsOf(backup.hits, continued)
    expect(next!.body.messages).toMatchObject([{ role: 'user' }, { role: 'assistant', content: saidWhole }])
  })

  test.each(late)('$model: what was said is on record', fault => {
    const { eventsOf, target } = stage()
    const told = eventsOf(seen(fault).alone)
    expect(attemptsIn(told)).toEqual([target])
    const end = endIn(told) as LoggedEvent & { type: 'call.failed' }
    // Only where the service has said by then what it counts is it no guess.
    const isCounted = fault.model === 'late-usage-no-end'
    expect([end.type, end.isEstimated ?? false]).toEqual(['call.failed', !isCounted])
    expect(end.tokensOut).toBeGreaterThanOrEqual(words.length)
    expect(end.tokensOut).toBeLessThanOrEqual(words.length + 2)
  })
}

function quirkTests({ stage, seen }: Scene<Stage>): void {
  test.each(quirks)('$model: every light shows the same words and a good end', fault => {
    const { alone, whole, second } = seen(fault)
    for (const heard of [alone, second])
      expect(heard).toMatchObject({ text: fault.said, isDone: true, error: undefined })
    expect(whole).toMatchObject({ status: 200, text: fault.said, error: undefined })
    for (const heard of [alone, whole, second]) {
      expect(hitsOf(stage().faulty.hits, heard)).toHaveLength(1)
      expect(hitsOf(stage().backup.hits, heard)).toEqual([])
    }
    expect(alone.raw).not.toContain('\uFFFD')
  })

  test.each(quirks)('$model: usage comes last, once, for those who asked, and is what the log says', fault => {
    const { alone, whole, second } = seen(fault)
    const chunks = alone.raw.split('\n\n').filter(event => /"usage":\s*\{/.test(event))
    expect(chunks).toHaveLength(1)
    expect(second.raw).not.toMatch(/"usage":\s*\{/)
    const counted = fault.usage ?? { estimated: true }
    expect(alone.usage).toMatchObject(counted)
    expect(whole.usage).toMatchObject(counted)
    const end = endIn(stage().eventsOf(alone))
    const { prompt_tokens, completion_tokens } = alone.usage as Record<string, number>
    expect(end).toMatchObject({ type: 'call.ended', tokensIn: prompt_tokens, tokensOut: completion_tokens })
  })
}

function streamingTests({ stage }: Scene<Stage>): void {
  test('is held back by nobody: each word arrives before the next is said', async () => {
    const { faulty, nodes, target } = stage()
    const said = ['one ', 'two ', 'three ']
    const heard = said.map(() => Promise.withResolvers<void>())
    faulty.next(async ({ response, hit }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const [i, word] of said.entries()) {
        response.write(framed(piece(hit, word)))
        await heard[i]!.promise
      }
      response.end(framed(piece(hit, '', 'stop')) + framed('[DONE]'))
    })
    const [{ url, firstKey }] = nodes as [ParleyNode]
    const response = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${firstKey}`,
        'accept-encoding': 'gzip, br',
      },
      body: JSON.stringify({
        model: 'well',
        stream: true,
        provider: target,
        messages: [{ role: 'user', content: 'go' }],
      }),
    })
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(response.headers.get('cache-control')).toContain('no-transform')
    expect(response.headers.get('content-encoding')).toBeNull()
    let text = ''
    for await (const bytes of response.body!) {
      text += Buffer.from(bytes).toString()
      for (const [i, word] of said.entries()) if (text.includes(`"${word}"`)) heard[i]!.resolve()
    }
    expect(text).toMatch(/data: \[DONE\]\n\n$/)
  })
}

/** Where it hangs, and how much the app has heard by then. */
const hanging = ['hang-headers', 'hang-first', 'hang-opening', 'late-hang']

function leavingTests({ stage }: Scene<Stage>): void {
  test.each(hanging)('while %s: the upstream is let go at once, and asked no more', async model => {
    const { chat, target, faulty, backup, eventsOf, nodes } = stage()
    const gone = new AbortController()
    const id = newId()
    const provider = { order: [target, 'backup'], only: [target, 'backup'] }
    const answer = chat({ model, stream: true, provider }, gone.signal, id).catch((cause: unknown) => cause)
    await until(() => hitsOf(faulty.hits, { id }).length === 1, 'the upstream is asked')
    const leftAt = performance.now()
    gone.abort()
    await answer
    const [hit] = hitsOf(faulty.hits, { id })
    await until(() => hit!.leftAt !== undefined, 'the upstream is let go')
    // Well before any bound of the node could have done it.
    expect(hit!.leftAt! - leftAt).toBeLessThan(bounds.headersMs * 0.8)
    await until(() => endIn(eventsOf({ id })) !== undefined, 'the call is on record')
    expect(endIn(eventsOf({ id }))).toMatchObject({ type: 'call.failed', code: 'cancelled' })
    expect([hitsOf(faulty.hits, { id }), hitsOf(backup.hits, { id })]).toMatchObject([{ length: 1 }, { length: 0 }])
    await until(() => nodes.every(node => node.status().running === 0), 'nothing runs any more')
  })
}
