import { afterEach, expect, test } from 'vitest'
import type { NodeEvent } from '../../src/core/index.ts'
import { createTracing, type TracingOptions } from '../../src/telemetry/index.ts'
import { attempted, ended, failed, logged, noon, started } from './events.ts'
import { spansIn } from './otlp.ts'
import { takePosts } from './posts.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

async function tracing(more: Partial<TracingOptions> = {}) {
  const collector = await takePosts()
  endings.push(collector.stop)
  const usual = { url: `${collector.url}/v1/traces`, headers: {}, service: 'n1', version: '1.2.3', percent: 100 }
  const traces = await createTracing({ ...usual, ...more })
  const tell = (event: NodeEvent, at = noon) => traces.watch(logged(event, at))
  const spans = async () => {
    await traces.stop()
    return collector.posts.flatMap(({ text }) => spansIn(text))
  }
  return { collector, tell, spans, traces }
}

test('a call is one span, from its start to its end, with the failures on the way', async () => {
  const { collector, tell, spans } = await tracing()
  tell(started({ task: 'embedding' }))
  tell(attempted('a'), noon + 100)
  tell(ended({ task: 'embedding', servedModel: 'large', attempts: 2, cost: 5n }), noon + 900)
  const [span, ...others] = await spans()
  expect(others).toEqual([])
  expect(span).toMatchObject({
    name: 'embeddings small',
    startTimeUnixNano: `${noon}000000`,
    endTimeUnixNano: `${noon + 900}000000`,
    events: [{ name: 'attempt failed', timeUnixNano: `${noon + 100}000000` }],
    attributes: {
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.request.model': 'small',
      'gen_ai.response.model': 'large',
      'gen_ai.provider.name': 'up',
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 8,
      'parley.attempts': 2,
      'parley.cost_units': '5',
    },
  })
  expect(span!.parentSpanId ?? '').toBe('')
  expect(collector.posts[0]!.path).toBe('/v1/traces')
  expect(collector.posts[0]!.text).toContain('{"key":"service.name","value":{"stringValue":"n1"}}')
})

test('a call that fails says why by its code, in no words', async () => {
  const { collector, tell, spans } = await tracing()
  tell(started())
  tell(failed({ code: 'timeout', message: 'CANARY' }))
  expect(await spans()).toMatchObject([
    { attributes: { 'error.type': 'timeout' }, status: { code: 2, message: 'timeout' } },
  ])
  expect(collector.posts[0]!.text).not.toContain('CANARY')
})

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'

test('the app decides whether its trace is kept; what is no trace is none', async () => {
  const { tell, spans } = await tracing({ percent: 0 })
  tell(started({ id: 'kept', traceparent: `00-${trace}-${parent}-01` }))
  tell(ended({ id: 'kept' }))
  const none = [
    '',
    'x',
    `00-${'0'.repeat(32)}-${parent}-01`,
    `00-${trace}-${parent}-01-more`,
    `ff-${trace}-${parent}-01`,
  ]
  for (const traceparent of [`00-${trace}-${parent}-00`, undefined, ...none]) {
    tell(started({ traceparent }))
    tell(ended())
  }
  expect(await spans()).toMatchObject([{ traceId: trace, parentSpanId: parent }])
})

test('an id that is used twice, and an end without a start, harm nobody', async () => {
  const { tell, spans } = await tracing()
  tell(started())
  tell(started())
  tell(ended())
  tell(ended())
  tell(failed({ id: 'unknown' }))
  expect(await spans()).toHaveLength(2)
})

test('calls that never end do not pile up', async () => {
  const { tell, spans } = await tracing()
  for (let i = 0; i < 12_000; i++) tell(started({ id: `call-${i}` }))
  tell(ended({ id: 'call-9999' }))
  tell(ended({ id: 'call-11999' }))
  expect(await spans()).toHaveLength(1)
})

test('a collector that is away costs nothing but its spans', async () => {
  const { tell, traces, collector } = await tracing()
  await collector.stop()
  for (let i = 0; i < 6_000; i++) {
    tell(started())
    tell(ended())
  }
  const startedAt = performance.now()
  await traces.stop().catch(() => undefined)
  expect(performance.now() - startedAt).toBeLessThan(9_000)
})
