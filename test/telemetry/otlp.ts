/** A span as a collector reads it. */
export interface SpanSeen {
  readonly traceId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[]
  readonly status: { readonly code: number; readonly message?: string }
  readonly attributes: Readonly<Record<string, unknown>>
}

interface Value {
  readonly stringValue?: string
  readonly intValue?: number
  readonly doubleValue?: number
  readonly arrayValue?: unknown
}

type Raw = Omit<SpanSeen, 'attributes'> & { readonly attributes: readonly { key: string; value: Value }[] }

/** Reads a batch in OTLP's JSON. */
export function spansIn(text: string): SpanSeen[] {
  const batch = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: Raw[] }[] }[] }
  const spans = batch.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(scope => scope.spans))
  return spans.map(({ attributes, ...span }) => ({
    ...span,
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)])),
  }))
}

function plain({ stringValue, intValue, doubleValue, arrayValue }: Value): unknown {
  return stringValue ?? intValue ?? doubleValue ?? arrayValue
}
