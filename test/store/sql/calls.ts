import type { RequestRecord, RequestRow } from '../../../src/core/index.ts'

export const noon = Date.UTC(2026, 2, 14, 12)

/** Numbers in [0, 1) that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

let made = 0

export function call(more: Partial<RequestRow> = {}): RequestRow {
  const id = `00000000-0000-7000-8000-${String(made++).padStart(12, '0')}`
  return {
    id,
    timestamp: noon,
    endpoint: '/v1/chat/completions',
    providerId: null,
    provider: 'one',
    model: 'small',
    servedModel: null,
    status: 200,
    errorCode: null,
    responseTime: 100,
    firstChunkMs: null,
    tokensInput: 10,
    tokensOutput: 20,
    cost: null,
    costUnits: null,
    keyId: null,
    userId: null,
    project: null,
    cache: 'off',
    isStream: false,
    isPartial: false,
    attempts: [],
    request: {},
    response: {},
    ...more,
  }
}

export function archived(request: RequestRow, asked: string, answered: string): RequestRecord {
  const { id, timestamp, status } = request
  const input = { id, content: asked, timestamp }
  const response = { id: `r-${id}`, inputId: id, content: answered, status, isPartial: false, errorCode: null }
  return { request, archive: { input, response: { ...response, timestamp: timestamp + 50 } } }
}

/** A call of one of a few kinds at some time from `from` to before `to`. */
export function randomCall(chance: () => number, from: number, to: number): RequestRow {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(chance() * values.length)]!
  const status = pick([200, 200, 200, 429, 500])
  return call({
    timestamp: from + Math.floor(chance() * (to - from)),
    endpoint: pick(['/v1/chat/completions', '/v1/embeddings']),
    provider: pick(['one', 'two', null]),
    model: pick(['small', 'große 模型']),
    status,
    errorCode: status === 200 && chance() < 0.1 ? 'stream_cut' : null,
    responseTime: Math.floor(chance() ** 3 * 200_000),
    tokensInput: Math.floor(chance() * 5_000),
    tokensOutput: Math.floor(chance() * 5_000),
    cost: chance() < 0.2 ? null : BigInt(Math.floor(chance() * 10_000_000)),
    keyId: pick(['k1', 'k2', null]),
    userId: pick(['u1', null]),
    project: pick(['p1', 'p2', null]),
    cache: pick(['hit', 'miss', 'off'] as const),
  })
}
