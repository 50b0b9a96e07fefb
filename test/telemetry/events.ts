import type { LoggedEvent, NodeEvent } from '../../src/core/index.ts'

/** Unix milliseconds of the tests. */
export const noon = Date.UTC(2026, 0, 1, 12)

let seq = 0

export function logged<T extends NodeEvent>(event: T, at = noon): LoggedEvent {
  return { ...event, at, seq: ++seq }
}

type Ended = Extract<NodeEvent, { type: 'call.ended' }>
type Failed = Extract<NodeEvent, { type: 'call.failed' }>

const about = { id: 'call-0001', task: 'chat', model: 'small', principal: 'key:k1' } as const

export function started(more: Partial<Extract<NodeEvent, { type: 'call.started' }>> = {}): NodeEvent {
  return { type: 'call.started', ...about, ...more }
}

export function ended(more: Partial<Ended> = {}): NodeEvent {
  return {
    ...{ type: 'call.ended', ...about, totalMs: 900, firstChunkMs: 200, chunks: 3, tokensIn: 10, tokensOut: 8 },
    ...{ servedBy: 'up', finishReason: 'stop', cost: undefined, attempts: 1, overheadMs: 0.3 },
    ...more,
  }
}

export function failed(more: Partial<Failed> = {}): NodeEvent {
  return {
    ...{ type: 'call.failed', ...about, totalMs: 900, firstChunkMs: undefined, chunks: 0, tokensIn: 0, tokensOut: 0 },
    ...{ code: 'backend_failed', message: 'up failed' },
    ...more,
  }
}

export function attempted(
  backend: string,
  attempt = 1,
  more: Partial<Extract<NodeEvent, { type: 'call.attempted' }>> = {},
) {
  const { id, model } = about
  const what = { code: 'backend_failed', message: 'it failed' } as const
  return { type: 'call.attempted', id, model, backend, attempt, ms: 5, ...what, ...more } as const satisfies NodeEvent
}
