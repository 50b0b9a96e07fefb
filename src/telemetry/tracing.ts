import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api'
import type { CallTask, LoggedEvent } from '../core/index.ts'

export interface TracingOptions {
  /** Where spans are posted, `/v1/traces` included. */
  readonly url: string
  /** Sent with every batch; may hold a key. */
  readonly headers: Readonly<Record<string, string>>
  /** The node's own name. */
  readonly service: string
  readonly version: string
  /** Of the calls whose app sent no trace, how many of 100 are traced. */
  readonly percent: number
}

/** The event log as OpenTelemetry spans, one for each call. No span holds a word of a prompt or an answer. */
export interface Tracing {
  readonly watch: (event: LoggedEvent) => void
  /** Sends what waits, and ends. */
  readonly stop: () => Promise<void>
}

/** Calls traced at once; further ones are not. */
const spansOpenMax = 10_000
const spansWaitingMax = 4_096
const batchMax = 512
const batchEveryMs = 1_000
const exportTimeoutMs = 5_000

type Api = typeof import('@opentelemetry/api')

/** The SDK is loaded here and nowhere else: a node without a collector does without it. */
export async function createTracing(options: TracingOptions): Promise<Tracing> {
  const [api, sdk, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  const { url, headers, service, version, percent } = options
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: exportTimeoutMs })
  const bounds = { maxQueueSize: spansWaitingMax, maxExportBatchSize: batchMax }
  const times = { scheduledDelayMillis: batchEveryMs, exportTimeoutMillis: exportTimeoutMs }
  const provider = new sdk.TracerProvider({
    resource: resourceOf({ 'service.name': service, 'service.version': version }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(percent / 100) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, ...bounds, ...times })],
  })
  return {
    watch: spanWriter(api, provider.getTracer('parley', version)),
    stop: () => provider.shutdown(),
  }
}

type Resource = NonNullable<
  NonNullable<ConstructorParameters<typeof import('@opentelemetry/sdk-trace').TracerProvider>[0]>['resource']
>

/** What is told of this process and nothing else: the SDK's own would read the environment. */
function resourceOf(attributes: Attributes): Resource {
  const resource: Resource = { attributes, merge: () => resource, getRawAttributes: () => Object.entries(attributes) }
  return resource
}

const operations: Partial<Record<CallTask, string>> = {
  chat: 'chat',
  completion: 'text_completion',
  embedding: 'embeddings',
}

function spanWriter(api: Api, tracer: Tracer): (event: LoggedEvent) => void {
  const open = new Map<string, Span>()
  const start = ({ id, task, model, traceparent, at }: Extract<LoggedEvent, { type: 'call.started' }>) => {
    if (open.size >= spansOpenMax) return
    const operation = operations[task] ?? task
    const attributes = { 'gen_ai.operation.name': operation, 'gen_ai.request.model': model, 'parley.request.id': id }
    const name = `${operation} ${model}`.trim()
    const settings = { kind: api.SpanKind.SERVER, startTime: at, attributes }
    // An app may use one id twice: then the span of the later call counts.
    open.get(id)?.end(at)
    open.set(id, tracer.startSpan(name, settings, parentOf(api, traceparent)))
  }
  const end = (event: Extract<LoggedEvent, { type: 'call.ended' | 'call.failed' }>) => {
    const span = open.get(event.id)
    if (span === undefined) return
    open.delete(event.id)
    span.setAttributes(attributesOf(event))
    if (event.type === 'call.failed') span.setStatus({ code: api.SpanStatusCode.ERROR, message: event.code })
    span.end(event.at)
  }
  return event => {
    if (event.type === 'call.started') start(event)
    else if (event.type === 'call.attempted') {
      const attributes = { 'gen_ai.provider.name': event.backend, 'error.type': event.code }
      open.get(event.id)?.addEvent('attempt failed', attributes, event.at)
    } else if (event.type === 'call.ended' || event.type === 'call.failed') end(event)
  }
}

function attributesOf(event: Extract<LoggedEvent, { type: 'call.ended' | 'call.failed' }>): Attributes {
  const { tokensIn, tokensOut, firstChunkMs } = event
  const shared: Attributes = { 'gen_ai.usage.input_tokens': tokensIn, 'gen_ai.usage.output_tokens': tokensOut }
  if (firstChunkMs !== undefined) shared['parley.time_to_first_chunk_ms'] = firstChunkMs
  if (event.type === 'call.failed') return { ...shared, 'error.type': event.code }
  const { servedBy, servedModel, model, finishReason, attempts, cost } = event
  return {
    ...shared,
    'gen_ai.provider.name': servedBy,
    'gen_ai.response.model': servedModel ?? model,
    ...(finishReason !== null && { 'gen_ai.response.finish_reasons': [finishReason] }),
    ...(attempts !== undefined && { 'parley.attempts': attempts }),
    ...(cost !== undefined && { 'parley.cost_units': cost.toString() }),
  }
}

const traceparentForm = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/

/** The span of the app that called, where it named one (W3C Trace Context). */
function parentOf({ ROOT_CONTEXT, trace }: Api, traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = traceparentForm.exec(traceparent ?? '') ?? []
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT
  const traceFlags = Number.parseInt(flags ?? '0', 16) & 1
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}
