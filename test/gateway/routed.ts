import type { Backend, Clock, ErrorCode, EventLog, Random } from '../../src/core/index.ts'
import { createEventLog, ParleyError, systemRandom } from '../../src/core/index.ts'
import {
  type Candidate,
  type CandidateSource,
  createRanking,
  type Ranking,
  type RouterOptions,
  router,
} from '../../src/gateway/index.ts'
import { Chunk } from '../../src/openai/index.ts'
import { createScripted, type Scripted } from '../scripted.ts'

/** No exploration, no jitter to speak of. */
export const calm = { ...systemRandom, fraction: () => 0.99 }

/** Chance that can be repeated (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed
  return {
    ...systemRandom,
    fraction: () => {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
    },
  }
}

/** Time that moves when somebody waits, and never otherwise; and how long each wait was. */
export interface HeldTime {
  readonly clock: Clock
  readonly waits: number[]
  readonly wait: NonNullable<RouterOptions['wait']>
  pass: (ms: number) => void
}

export function heldTime(): HeldTime {
  let now = 1_000
  const waits: number[] = []
  return {
    clock: { now: () => now, monotonic: () => now },
    waits,
    wait: async (ms, signal) => {
      signal.throwIfAborted()
      waits.push(ms)
      now += ms
    },
    pass: ms => {
      now += ms
    },
  }
}

export interface Routed {
  readonly backend: Backend
  readonly log: EventLog
  readonly ranking: Ranking
  readonly time: HeldTime
}

/** A router over candidates, in held time. They serve every model unless a source says otherwise. */
export function routed(
  candidates: readonly Candidate[],
  options: Partial<RouterOptions> = {},
  source: Partial<CandidateSource> = {},
): Routed {
  const time = heldTime()
  const log = createEventLog(time.clock.now)
  const ranking = options.ranking ?? createRanking(time.clock, calm)
  const backend = router({
    candidates: { serving: () => candidates, models: async () => [], ...source },
    policy: 'balanced',
    timeouts: { firstChunkMs: 20_000, idleMs: 20_000, totalMs: 60_000 },
    log,
    clock: time.clock,
    maxAttempts: 4,
    random: { ...systemRandom, fraction: () => 0 },
    wait: time.wait,
    ...options,
    ranking,
  })
  return { backend, log, ranking, time }
}

export function candidate(backend: Backend, facts: Partial<Candidate> = {}): Candidate {
  return { name: backend.name, kind: 'api', backend, ...facts }
}

export interface FailingOptions {
  readonly afterRole?: boolean
  readonly saidBy?: string
  readonly retryAfterSeconds?: number
  /** How often it fails before it answers; always when missing. */
  readonly times?: number
}

/** A backend that throws before its first word. */
export function failing(name: string, code: ErrorCode, options: FailingOptions = {}): Scripted {
  const { afterRole = false, times = Number.POSITIVE_INFINITY, ...told } = options
  const scripted = createScripted(name)
  let failures = 0
  return {
    ...scripted,
    run: async function* (call, context) {
      if (++failures > times) return yield* scripted.run(call, context)
      scripted.script.opened++
      if (afterRole) yield Chunk.of({ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] })
      throw new ParleyError(code, `${name} fails`, told)
    },
  }
}
