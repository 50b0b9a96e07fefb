import { setTimeout as sleep } from 'node:timers/promises'
import * as up from '../faulty-upstream.ts'

/** What may be done about a failure before the first word: nothing, ask another, or also ask the same one again. */
export type Remedy = 'end' | 'elsewhere' | 'again'

/** What an app sees when nobody else can answer, and what becomes of the others. */
export interface Told {
  readonly status: number
  readonly code: string
  readonly remedy: Remedy
}

/** A fault by the name of the model that has it. */
export interface Fault {
  readonly model: string
  readonly answer: up.Answer
}

/** Before the first word: another target may still answer. */
export interface EarlyFault extends Fault {
  readonly upstream: Told
  /** Of a provider whose upstream has it: of what a peer says only its code is believed, and no request is ended by one. */
  readonly peer: Told
}

/** After the words of `up.saidWhole`: the code of the error event. */
export interface LateFault extends Fault {
  readonly upstream: string
  readonly peer: string
}

/** No fault to the app: what it gets, and what is counted. */
export interface Quirk extends Fault {
  readonly said: string
  /** Missing where the upstream never counts. */
  readonly usage?: typeof up.usage
}

function told(status: number, code: string, remedy: Remedy): Told {
  return { status, code, remedy }
}

function early(model: string, answer: up.Answer, upstream: Told, peer: Told = upstream): EarlyFault {
  return { model, answer, upstream, peer }
}

function late(model: string, answer: up.Answer, upstream: string, more: Partial<LateFault> = {}): LateFault {
  return { model, answer, upstream, peer: upstream, ...more }
}

const failed = told(502, 'backend_failed', 'again')
const overloaded = told(503, 'overloaded', 'again')
const refused = told(502, 'backend_refused', 'elsewhere')
const cutShort = told(502, 'stream_cut', 'again')
const silent = told(504, 'timeout', 'elsewhere')
const atFault = told(400, 'invalid_request', 'elsewhere')
const limited = told(429, 'rate_limited', 'again')

const roleOnly = { choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] }
const progress = { choices: [], prompt_progress: { done: 1, total: 9 } }

/** An opening that says nothing, then something else. */
function opening(then: (asked: up.Asked) => Promise<void> | void): up.Answer {
  return up.stream({
    words: [],
    instead: asked => {
      asked.response.write(`: warming up\n\n${up.framed(roleOnly)}${up.framed(progress)}`)
      return then(asked)
    },
  })
}

/** What was written is on its way by then. */
async function cutSoon({ response }: up.Asked): Promise<void> {
  await sleep(20)
  response.destroy()
}

const errorOf = (status: number): up.Answer => {
  return asked => up.failInStream(leaking(asked, status).error, [])(asked)
}

/** An error that repeats the key and the prompt. */
function leaking({ hit }: up.Asked, status: number) {
  return up.oops(status, `key ${hit.headers.authorization}; you said ${hit.raw}`)
}

export const earlyFaults: readonly EarlyFault[] = [
  early('status-400', up.echo(400), told(400, 'oops_400', 'end'), atFault),
  early('status-401', up.echo(401), refused),
  early('status-402', up.echo(402), refused),
  early('status-403', up.echo(403), refused),
  early('status-404', up.echo(404), told(404, 'oops_404', 'end'), told(404, 'model_not_found', 'elsewhere')),
  early('status-408', up.echo(408), told(504, 'timeout', 'again')),
  early('status-409', up.echo(409), told(409, 'oops_409', 'end'), atFault),
  early('status-413', up.echo(413), told(413, 'oops_413', 'end'), told(413, 'too_large', 'elsewhere')),
  early('status-422', up.echo(422), told(422, 'oops_422', 'end'), atFault),
  early('status-429', up.echo(429), limited),
  early('status-429-soon', waiting(429, '1'), limited),
  early('status-429-late', waiting(429, '60'), told(429, 'rate_limited', 'elsewhere')),
  early('status-500', up.echo(500), failed),
  early('status-502', up.echo(502), failed),
  early('status-503', up.echo(503), overloaded),
  early('status-503-late', waiting(503, '60'), told(503, 'overloaded', 'elsewhere')),
  early('status-529', up.echo(529), overloaded),
  early('status-502-page', up.text('text/html', '<h1>Bad gateway</h1>', 502), failed),
  early('too-long', saying(400, 'context_length_exceeded'), told(400, 'context_length_exceeded', 'elsewhere')),
  early('no-money', saying(429, 'insufficient_quota'), refused),
  early('hang-headers', up.hang('headers'), told(504, 'timeout', 'again')),
  early('hang-first', up.hang('first'), silent, told(504, 'timeout', 'again')),
  early(
    'hang-opening',
    opening(() => {}),
    silent,
    told(504, 'timeout', 'again'),
  ),
  early('cut-headers-rst', up.cut('rst', 'headers'), failed),
  early('cut-headers-fin', up.cut('fin', 'headers'), failed),
  early('cut-first', up.stream({ words: [], instead: cutSoon }), cutShort),
  early('cut-opening', opening(cutSoon), cutShort),
  early(
    'error-opening',
    opening(asked => void asked.response.end(up.framed(leaking(asked, 500)))),
    failed,
  ),
  early('error-event', errorOf(500), failed),
  early('error-event-400', errorOf(400), told(400, 'oops_400', 'end'), atFault),
  early('error-in-200', asked => up.json(200, leaking(asked, 400))(asked), told(400, 'oops_400', 'end'), atFault),
  early('bad-json', up.text('text/event-stream', 'data: {nonsense}\n\n'), failed),
  early('half-json', up.text('application/json', '{"choices": ['), failed),
  early('no-answer', up.json(200, { object: 'list', data: [] }), failed),
  early('no-word', up.stream({ words: [], finish: null, usage: 'missing' }), failed),
  early('no-end', up.stream({ words: [], finish: null, usage: 'missing', isDone: false }), cutShort),
  early('type-html', up.text('text/html', '<h1>Welcome</h1>'), failed),
  early('type-bytes', up.text('application/octet-stream', up.framed(roleOnly)), failed),
]

function saying(status: number, code: string): up.Answer {
  return asked => up.json(status, { error: { ...leaking(asked, status).error, code } })(asked)
}

function waiting(status: number, seconds: string): up.Answer {
  return asked => up.json(status, leaking(asked, status), { 'retry-after': seconds })(asked)
}

const hugeBytes = 17 << 20

export const lateFaults: readonly LateFault[] = [
  late('late-cut-rst', up.cut('rst'), 'stream_cut'),
  late('late-cut-fin', up.cut('fin'), 'stream_cut'),
  late('late-hang', up.hang('middle'), 'timeout'),
  late('late-no-end', up.stream({ finish: null, usage: 'missing', isDone: false }), 'stream_cut'),
  late('late-error', lateError(500), 'backend_failed'),
  late('late-error-400', lateError(400), 'oops_400', { peer: 'backend_failed' }),
  late('late-error-limit', lateError('429'), 'rate_limited'),
  late('late-bad-json', up.slip('data: {nonsense}\n\n'), 'backend_failed'),
  late('late-half-json', up.slip('data: {"choices":[{"delta":{"content":"x\n\n'), 'backend_failed'),
  late('late-words', up.slip('data: words\n\n'), 'backend_failed'),
  late('late-huge', up.slip(`data: {"x":"${'x'.repeat(hugeBytes)}`), 'backend_failed'),
]

/** Behind words and their usage. */
export const lateAfterUsage: readonly LateFault[] = [
  late('late-usage-no-end', up.stream({ finish: null, isDone: false }), 'stream_cut'),
  late('late-finish-error', up.stream({ finish: 'error' }), 'backend_failed'),
]

/** Behind the words, with the key and the prompt in it. */
function lateError(status: number | string): up.Answer {
  return asked => {
    const { error } = leaking(asked, Number(status))
    return up.failInStream(typeof status === 'string' ? { ...error, code: status } : error)(asked)
  }
}

const splitWords = ['ü', '世界', '👋🏽']

function quirk(model: string, options: up.StreamOptions): Quirk {
  const said = (options.words ?? up.words).join('')
  return { model, answer: up.stream(options), said, ...(options.usage !== 'missing' && { usage: up.usage }) }
}

export const quirks: readonly Quirk[] = [
  quirk('well', {}),
  quirk('split-bytes', { packetBytes: 3, words: splitWords }),
  quirk('slow-drip', { dripMs: 20 }),
  quirk('no-usage', { usage: 'missing' }),
  quirk('usage-on-word', { usage: 'last' }),
  quirk('no-finish-reason', { finish: null }),
  quirk('no-done', { isDone: false }),
  quirk('crlf', { lineEnd: '\r\n' }),
  {
    model: 'one-body',
    answer: asked => up.json(200, up.wholeBody(asked.hit))(asked),
    said: up.saidWhole,
    usage: up.usage,
  },
]

export const allFaults: readonly Fault[] = [...earlyFaults, ...lateFaults, ...lateAfterUsage, ...quirks]

/** What nobody else says. */
export const backupWords = [' and', ' so', ' on']

/** Each model fails as its name says. */
export function failingByModel(): up.Answer {
  const byModel = new Map(allFaults.map(({ model, answer }) => [model, answer]))
  return asked => byModel.get(String(asked.hit.body.model))!(asked)
}

export const faultKinds = [
  { fault: 'a status that refuses', upstream: true, peer: true, local: false },
  { fault: 'a model that is missing', upstream: true, peer: true, local: true },
  { fault: 'a prompt that is too long', upstream: true, peer: true, local: true },
  { fault: 'no room', upstream: true, peer: true, local: true },
  { fault: 'silence before the headers', upstream: true, peer: true, local: false },
  { fault: 'silence before the first word', upstream: true, peer: true, local: true },
  { fault: 'silence after words', upstream: true, peer: true, local: false },
  { fault: 'a cut', upstream: true, peer: true, local: false },
  { fault: 'an error in the stream', upstream: true, peer: true, local: false },
  { fault: 'JSON that is none', upstream: true, peer: true, local: false },
  { fault: 'a type that is no answer', upstream: true, peer: true, local: false },
  { fault: 'a chunk that never ends', upstream: true, peer: true, local: false },
  { fault: 'no usage, reason or end mark', upstream: true, peer: true, local: false },
  { fault: 'characters that are split', upstream: true, peer: true, local: false },
  { fault: 'a key in an error', upstream: true, peer: true, local: false },
  { fault: 'weights that are gone', upstream: false, peer: false, local: true },
  { fault: 'weights that are torn', upstream: false, peer: false, local: true },
  { fault: 'a model that breaks', upstream: false, peer: false, local: true },
  { fault: 'an app that leaves', upstream: true, peer: true, local: true },
] as const
