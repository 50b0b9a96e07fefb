/** What an alert can watch. */
export const alertMetrics = [
  'error_rate',
  'provider_error_rate',
  'latency_p95',
  'first_chunk_p95',
  'provider_failures',
  'memory',
  'event_loop_delay',
  'budget',
] as const
export type AlertMetric = (typeof alertMetrics)[number]
