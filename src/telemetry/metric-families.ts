import type { ErrorCode, LoggedEvent } from '../core/index.ts'
import type { CallCounts, CallTimes, FailedCalls } from './call-counts.ts'
import type { Distribution } from './distribution.ts'

/** One metric with all its series, in the shape a registry of prom-client prints. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly values: readonly Sample[]
}

export interface Sample {
  readonly value: number
  readonly labels: object
  /** Of a histogram: its name with what the sample is of it. */
  readonly metricName?: string
}

/** How one provider is, as the router sees it. */
export interface ProviderState {
  readonly name: string
  /** `closed` is asked as usual. */
  readonly state: 'closed' | 'open' | 'half-open'
  readonly running: number
}

/** What is only asked for when somebody looks. */
export interface Sightings {
  readonly version: string
  readonly providers: () => readonly ProviderState[]
  readonly alertsFiring: () => number
  readonly logLinesDropped: () => number
}

export interface MoneyCounts {
  /** Smallest units of the escrow's token. */
  taken: bigint
  issued: bigint
  claimed: bigint
}

const providersMax = 100

export function callFamilies(calls: CallCounts): Family[] {
  const answered = calls.answered.all()
  const failed = calls.failed.all()
  const times = calls.times.all()
  return [
    counter('parley_requests_total', 'Calls that ended, by how.', [
      ...answered.map(({ labels, requests }) => sample(requests, { ...labels, status: '2xx', code: 'ok' })),
      ...failed.map(({ labels, statusClass, requests }) =>
        sample(requests, { ...labels, provider: 'none', status: statusClass }),
      ),
    ]),
    counter(
      'parley_tokens_total',
      'Tokens read and written, also of answers that broke off.',
      mergedSamples([
        ...answered.flatMap(({ labels, ...tokens }) => tokenSamples(tokens, labels)),
        ...failed.flatMap(({ labels: { code: _code, ...labels }, ...tokens }) =>
          tokenSamples(tokens, { ...labels, provider: 'none' }),
        ),
      ]),
    ),
    counter(
      'parley_cost_units_total',
      'Paid to providers, in the smallest unit of the escrow token.',
      answered.flatMap(({ labels, cost }) => (cost > 0n ? [sample(Number(cost), labels)] : [])),
    ),
    histogram('parley_request_duration_seconds', 'From the call to the end of its answer.', times, 'total'),
    histogram('parley_time_to_first_chunk_seconds', 'From the call to its first chunk.', times, 'firstChunk'),
    distribution(
      'parley_time_per_output_token_seconds',
      'Between two tokens of an answer, on average.',
      calls.perToken,
    ),
    distribution('parley_overhead_seconds', 'What this node took by itself until the first chunk.', calls.overhead),
    gauge(
      'parley_requests_in_flight',
      'Calls that run.',
      [...calls.running].map(([task, running]) => sample(running, { task })),
    ),
    counter(
      'parley_failed_attempts_total',
      'Times a provider was asked and did not answer.',
      calls.attempts.all().map(({ labels, attempts }) => sample(attempts, labels)),
    ),
    counter('parley_retries_total', 'Attempts after the first of a call.', [sample(calls.retries)]),
    counter('parley_fallbacks_total', 'Calls that a fallback model answered.', [sample(calls.fallbacks)]),
    counter(
      'parley_hedges_total',
      'Calls for which a second provider was asked, by whose answer it was.',
      Object.entries(calls.hedges).map(([winner, count]) => sample(count, { winner })),
    ),
  ]
}

/** Failed calls differ by their codes; without them some have the same labels and are added up. */
function mergedSamples(samples: readonly Sample[]): Sample[] {
  const byLabels = new Map<string, Sample>()
  for (const one of samples) {
    const key = `${one.metricName ?? ''}${JSON.stringify(one.labels)}`
    const known = byLabels.get(key)
    byLabels.set(key, known === undefined ? one : { ...known, value: known.value + one.value })
  }
  return [...byLabels.values()]
}

export function refusalFamily(refusals: ReadonlyMap<ErrorCode, number>): Family {
  return counter(
    'parley_refusals_total',
    'Requests of apps that got an error in place of an answer, whether a call had begun or not.',
    [...refusals].map(([code, count]) => sample(count, { code })),
  )
}

export function droppedFamily(dropped: Readonly<Record<string, number>>): Family {
  return counter(
    'parley_rows_dropped_total',
    'Rows the store never got, by why: no room was left for them, or it would not have them.',
    Object.entries(dropped).map(([why, count]) => sample(count, { why })),
  )
}

export function nodeFamilies(events: ReadonlyMap<LoggedEvent['type'], number>, money: MoneyCounts): Family[] {
  return [
    counter(
      'parley_events_total',
      'What happened, by kind: sessions, vouchers, receipts, claims, failures and the rest of the event log.',
      [...events].map(([type, count]) => sample(count, { type })),
    ),
    counter('parley_money_units_total', 'Money that moved, in the smallest unit of the escrow token.', [
      sample(Number(money.taken), { kind: 'paid_by_receipt' }),
      sample(Number(money.issued), { kind: 'earned_by_receipt' }),
      sample(Number(money.claimed), { kind: 'claimed' }),
    ]),
  ]
}

export function sightedFamilies({ version, providers, alertsFiring, logLinesDropped }: Sightings): Family[] {
  const known = providers().slice(0, providersMax)
  return [
    gauge('parley_info', 'The program that runs.', [sample(1, { version })]),
    gauge(
      'parley_provider_up',
      '1 for a provider that is asked as usual, 0 for one that rests after failures.',
      known.map(({ name, state }) => sample(state === 'closed' ? 1 : 0, { provider: name })),
    ),
    gauge(
      'parley_provider_running',
      'Calls a provider works on.',
      known.map(({ name, running }) => sample(running, { provider: name })),
    ),
    gauge('parley_alerts_firing', 'Alerts that are raised and not resolved.', [sample(alertsFiring())]),
    counter('parley_log_lines_dropped_total', 'Lines that were not kept because there were too many.', [
      sample(logLinesDropped()),
    ]),
  ]
}

function sample(value: number, labels: Sample['labels'] = {}): Sample {
  return { value, labels }
}

function counter(name: string, help: string, values: readonly Sample[]): Family {
  return { name, help, type: 'counter', values }
}

function gauge(name: string, help: string, values: readonly Sample[]): Family {
  return { name, help, type: 'gauge', values }
}

function tokenSamples({ tokensIn, tokensOut }: Pick<FailedCalls, 'tokensIn' | 'tokensOut'>, labels: Sample['labels']) {
  return [
    ...(tokensIn > 0 ? [sample(tokensIn, { ...labels, type: 'input' })] : []),
    ...(tokensOut > 0 ? [sample(tokensOut, { ...labels, type: 'output' })] : []),
  ]
}

function histogram(name: string, help: string, times: readonly CallTimes[], which: 'total' | 'firstChunk'): Family {
  const values = times.flatMap(one => buckets(name, one[which], one.labels))
  return { name, help, type: 'histogram', values }
}

function distribution(name: string, help: string, of: Distribution): Family {
  return { name, help, type: 'histogram', values: buckets(name, of, {}) }
}

/** Prometheus counts each bucket together with those below it. */
function buckets(name: string, { bounds, counts, sum }: Distribution, labels: object): Sample[] {
  let count = 0
  const below = [...counts].map((own, at) => {
    count += own
    return { value: count, labels: { ...labels, le: bounds[at] ?? '+Inf' }, metricName: `${name}_bucket` }
  })
  return [
    ...below,
    { value: sum, labels, metricName: `${name}_sum` },
    { value: count, labels, metricName: `${name}_count` },
  ]
}
