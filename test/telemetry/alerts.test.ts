import { expect, test } from 'vitest'
import { type AlertRow, createEventLog, type NodeEvent, systemRandom } from '../../src/core/index.ts'
import { alertRules, createAlerts, type GivenAlertRule } from '../../src/telemetry/index.ts'
import { attempted, ended, failed, noon } from './events.ts'

/** Alerts on a clock of their own: `pass` lets time go by, a look each second. */
function watching(...rules: GivenAlertRule[]) {
  let now = noon
  const use = { memory: 10, delay: 0 }
  const log = createEventLog(() => now)
  const alerts = createAlerts({
    rules: alertRules(rules),
    resources: { memoryPercent: () => use.memory, eventLoopDelayMs: () => use.delay },
    isProvider: name => name === 'up',
    random: systemRandom,
    log,
  })
  log.subscribe(alerts.watch)
  const told: AlertRow[] = []
  alerts.onChange(alert => told.push(alert))
  const emit = (...events: NodeEvent[]) => {
    for (const event of events) log.emit(event)
  }
  const pass = (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      now += 1_000
      alerts.evaluate(now)
    }
  }
  return { alerts, told, emit, pass, use, log, states: () => told.map(({ state }) => state) }
}

const errorRate: GivenAlertRule = {
  metric: 'error_rate',
  threshold: 40,
  clear: 10,
  windowSeconds: 60,
  clearSeconds: 10,
}

test('half of a hundred calls failing is one alert, and one word when it is over', () => {
  const { told, emit, pass, states, alerts, log } = watching(errorRate)
  for (let i = 0; i < 50; i++) {
    emit(ended(), failed())
    pass(1)
  }
  expect(states()).toEqual(['firing'])
  expect(told[0]).toMatchObject({ rule: 'error_rate', subject: '', value: 50, threshold: 40, endedAt: null })
  expect(alerts.firing()).toHaveLength(1)
  for (let i = 0; i < 120; i++) {
    emit(ended())
    pass(1)
  }
  expect(states()).toEqual(['firing', 'resolved'])
  expect(told[1]).toMatchObject({ id: told[0]!.id, startedAt: told[0]!.startedAt })
  expect(told[1]!.endedAt).toBeGreaterThan(told[0]!.startedAt)
  expect(alerts.firing()).toEqual([])
  const types = log.recent().map(({ type }) => type)
  expect(types.filter(type => type.startsWith('alert.'))).toEqual(['alert.raised', 'alert.resolved'])
})

test('few calls raise nothing', () => {
  const { emit, pass, told } = watching(errorRate)
  for (let i = 0; i < 19; i++) emit(failed())
  pass(5)
  expect(told).toEqual([])
  emit(failed())
  pass(1)
  expect(told).toHaveLength(1)
})

test('what callers do wrong, or leave, is no failure of the node', () => {
  const { emit, pass, told } = watching(errorRate)
  for (const code of ['invalid_request', 'cancelled', 'rate_limited', 'model_not_found', 'unauthorized'] as const) {
    for (let i = 0; i < 30; i++) emit(failed({ code }))
  }
  pass(3)
  expect(told).toEqual([])
  for (let i = 0; i < 30; i++) emit(failed({ code: 'insufficient_funds' }))
  pass(1)
  expect(told).toHaveLength(1)
})

test('a value that goes up and down around the threshold is one incident', () => {
  const { use, pass, states } = watching({
    metric: 'memory',
    threshold: 80,
    clear: 60,
    windowSeconds: 1,
    clearSeconds: 10,
  })
  for (let i = 0; i < 20; i++) {
    use.memory = i % 2 === 0 ? 85 : 70
    pass(1)
  }
  expect(states()).toEqual(['firing'])
  for (let i = 0; i < 5; i++) {
    use.memory = 50
    pass(8)
    use.memory = 70
    pass(1)
  }
  expect(states()).toEqual(['firing'])
  use.memory = 50
  pass(11)
  expect(states()).toEqual(['firing', 'resolved'])
  use.memory = 90
  pass(1)
  expect(states()).toEqual(['firing', 'resolved', 'firing'])
})

test('one bad moment of the process is none', () => {
  const { use, pass, told } = watching({ metric: 'event_loop_delay', threshold: 200, windowSeconds: 60 })
  pass(59)
  use.delay = 5_000
  pass(1)
  use.delay = 0
  pass(1)
  expect(told).toEqual([])
  use.delay = 500
  pass(60)
  expect(told).toHaveLength(1)
})

test('a start that takes all of the process is none', () => {
  const { use, pass, told } = watching({ metric: 'event_loop_delay', threshold: 200, windowSeconds: 60 })
  use.delay = 1_000
  pass(5)
  use.delay = 0
  pass(60)
  expect(told).toEqual([])
})

test('the 95th percentile is what 95 of 100 do not exceed', () => {
  const latency = watching({ metric: 'latency_p95', threshold: 1_000, windowSeconds: 60 })
  const first = watching({ metric: 'first_chunk_p95', threshold: 1_000, windowSeconds: 60 })
  for (let i = 0; i < 94; i++) latency.emit(ended({ totalMs: 10 }))
  for (let i = 0; i < 4; i++) latency.emit(ended({ totalMs: 5_000 }))
  latency.pass(1)
  expect(latency.told).toEqual([])
  for (let i = 0; i < 4; i++) latency.emit(ended({ totalMs: 5_000 }))
  latency.pass(1)
  expect(latency.told).toHaveLength(1)
  expect(latency.told[0]!.value).toBeGreaterThanOrEqual(5_000)
  expect(latency.told[0]!.value).toBeLessThan(5_500)
  for (let i = 0; i < 40; i++)
    first.emit(ended({ totalMs: 9_000, firstChunkMs: 50 }), ended({ firstChunkMs: undefined }))
  first.pass(1)
  expect(first.told).toEqual([])
})

test('a provider that fails again and again is told of by its name; one success ends it', () => {
  const { emit, pass, told, states } = watching({ metric: 'provider_failures', threshold: 3, clearSeconds: 5 })
  emit(attempted('a'), attempted('a'), attempted('b'))
  pass(1)
  expect(told).toEqual([])
  emit(attempted('a'))
  pass(1)
  expect(told).toMatchObject([{ subject: 'a', value: 3, state: 'firing' }])
  emit(ended({ servedBy: 'a' }))
  pass(3)
  emit(attempted('a'))
  pass(10)
  expect(states()).toEqual(['firing'])
  emit(ended({ servedBy: 'a' }))
  pass(6)
  expect(states()).toEqual(['firing', 'resolved'])
})

test('what a provider is not to blame for does not count against it', () => {
  const { emit, pass, told } = watching({ metric: 'provider_failures', threshold: 1 })
  for (const code of [
    'invalid_request',
    'cancelled',
    'unsupported',
    'context_length_exceeded',
    'spending_cap',
  ] as const)
    emit(attempted('a', 1, { code }))
  pass(1)
  expect(told).toEqual([])
})

test('a provider whose models cannot be listed is down too, until they can', () => {
  const { emit, pass, told, states } = watching({ metric: 'provider_failures', threshold: 3, clearSeconds: 1 })
  const lost = (service: string): NodeEvent => ({
    type: 'service.failed',
    service,
    code: 'backend_failed',
    message: 'no',
  })
  for (let i = 0; i < 3; i++) emit(lost('up'), lost('claims'))
  pass(1)
  expect(told).toMatchObject([{ subject: 'up' }])
  emit({ type: 'service.recovered', service: 'up' })
  pass(3)
  expect(states()).toEqual(['firing', 'resolved'])
})

test('the rate of a provider counts its attempts, also where another answers in the end', () => {
  const rule: GivenAlertRule = { metric: 'provider_error_rate', threshold: 50, windowSeconds: 60 }
  const { emit, pass, told } = watching(rule, errorRate)
  for (let i = 0; i < 20; i++) emit(attempted('bad'), ended({ servedBy: 'good', attempts: 2 }))
  pass(1)
  expect(told).toMatchObject([{ rule: 'provider_error_rate', subject: 'bad', value: 100 }])
})

test('a budget that is spent is told of once, and is over when it begins anew', () => {
  const { emit, pass, told, states } = watching({ metric: 'budget', threshold: 80, clearSeconds: 1 })
  const crossed = (percent: number, resetsAt?: number): NodeEvent => ({
    ...{ type: 'budget.crossed', budget: 'b1', scope: 'project', scopeId: 'shop', percent, resetsAt },
  })
  emit(crossed(50))
  pass(2)
  expect(told).toEqual([])
  emit(crossed(80, noon + 30_000), crossed(100, noon + 30_000))
  pass(5)
  expect(told).toMatchObject([{ subject: 'project shop', value: 100 }])
  pass(40)
  expect(states()).toEqual(['firing', 'resolved'])
})

test('an incident is over when there is nothing to measure any more', () => {
  const { emit, pass, states } = watching(errorRate)
  for (let i = 0; i < 30; i++) emit(failed())
  pass(1)
  expect(states()).toEqual(['firing'])
  pass(58)
  expect(states()).toEqual(['firing'])
  pass(15)
  expect(states()).toEqual(['firing', 'resolved'])
})

test('ten thousand providers take no more memory than some', () => {
  const { emit, pass, told } = watching(
    { metric: 'provider_failures', threshold: 2 },
    { metric: 'provider_error_rate', threshold: 10, minimum: 1 },
  )
  for (let i = 0; i < 10_000; i++) emit(attempted(`p${i}`))
  pass(1)
  expect(told.length).toBeLessThanOrEqual(200)
})

test('whoever listens and throws harms nobody', () => {
  const { alerts, emit, pass, told } = watching(errorRate)
  alerts.onChange(() => {
    throw new Error('no')
  })
  for (let i = 0; i < 30; i++) emit(failed())
  pass(2)
  expect(told).toHaveLength(1)
})

test('an operator who says nothing gets rules that hold back', () => {
  const { emit, pass, told } = watching()
  for (let i = 0; i < 300; i++) {
    emit(ended({ servedBy: 'up' }))
    if (i % 25 === 0) emit(attempted('up'), failed({ code: 'cancelled' }))
    pass(1)
  }
  expect(told).toEqual([])
})
