import type { Task, Units } from './call.ts'
import type { ErrorCode } from './error-table.ts'

/** What a call is about: a question to a model, or something that a server keeps. */
export type CallTask = Task | 'file' | 'job'

/**
 * What happened, in the past tense, without a word of anybody's prompt. Request rows, metrics, alerts, log lines and live
 * feeds are projections of this log.
 */
export type NodeEvent =
  | { type: 'node.started'; role: string; version: string }
  | { type: 'node.stopped' }
  | { type: 'service.failed'; service: string; code: ErrorCode; message: string }
  /** Calls from now on see another setup: providers, names, routing. `closed` names those that are gone or another by now. */
  | { type: 'setup.changed'; generation: number; upstreams: number; closed: readonly string[] }
  /** It works again after it had failed. */
  | { type: 'service.recovered'; service: string }
  | {
      type: 'call.started'
      id: string
      task: CallTask
      model: string
      principal: string
      /** The trace of the app the call belongs to, as it sent it (W3C Trace Context). */
      traceparent?: string | undefined
    }
  | {
      type: 'call.attempted'
      id: string
      backend: string
      model: string
      /** Counts the attempts of a call from 1. */
      attempt: number
      /** How long the attempt took. */
      ms: number
      code: ErrorCode
      message: string
    }
  | {
      type: 'call.hedged'
      id: string
      model: string
      /** Who was asked, and who was asked beside it when its first word was late. */
      first: string
      second: string
      /** For how long the first had been waited for alone. */
      afterMs: number
      /** Whose answer it is; undefined when neither spoke. */
      servedBy: string | undefined
      /** Who was stopped in its silence. Its prompt and what that costs are estimates: nobody told its usage. */
      stopped: { backend: string; ms: number; tokensIn: number; cost: bigint } | undefined
    }
  | ({ type: 'call.ended' } & CallEnd & {
        /** A backend, or `cache`. */
        servedBy: string
        finishReason: string | null
        cost: bigint | undefined
        /** Absent for an answer counted in tokens alone. */
        units?: Units | undefined
        /** The model that answered, and how often backends were asked; absent where nobody had to choose. */
        servedModel?: string | undefined
        attempts?: number | undefined
        /** Who was asked first and was late, where a second one was asked and answered. */
        overtook?: string | undefined
        /** What this node took by itself: milliseconds to the first chunk less those waited for backends. */
        overheadMs?: number | undefined
      })
  | ({ type: 'call.failed' } & CallEnd & { code: ErrorCode; message: string })
  /**
   * Somebody asked for more than to read. `actor` is a kind and an id, like `user:…`; `route` has no ids, `target` is the one
   * in its path or of what was made; `fields` are the names of what was sent, not the values.
   */
  | {
      type: 'management.changed'
      actor: string
      role: string
      route: string
      target: string | undefined
      fields: string
      /** The HTTP status it was answered with. */
      status: number
    }
  /** A refresh token came twice: its sessions are over. */
  | { type: 'session.reused'; userId: string | null }
  | { type: 'store.lost' | 'store.back' }
  | { type: 'rows.dropped'; count: number; why: 'full' | 'refused' }
  | { type: 'peer.connected' | 'peer.disconnected'; peerId: string }
  | { type: 'provider.learned'; provider: string; peerId: string; models: number }
  | { type: 'provider.failed'; peerId: string; code: ErrorCode; message: string }
  | {
      type: 'session.opened'
      side: 'user' | 'provider'
      payer: string
      provider: string
      authorized: bigint
      charged: bigint
    }
  | { type: 'voucher.given' | 'voucher.accepted'; payer: string; provider: string; cumulative: bigint }
  | { type: 'voucher.refused'; payer: string; code: ErrorCode }
  | {
      type: 'receipt.issued' | 'receipt.taken'
      provider: string
      requestId: string
      /** The id of the call on this node; the other one is its name between the two nodes. */
      call?: string
      charge: bigint
      cumulative: bigint
    }
  | { type: 'claim.sent'; payers: number; amount: bigint; transaction: string }
  | { type: 'registry.read'; providers: number; blockNumber: bigint }
  | { type: 'registry.unavailable'; message: string; usingCache: boolean }
  | { type: 'model.loaded'; model: string; ms: number }
  | {
      /** Told when what is spent of a budget crosses a share of it, and when its next window begins. */
      type: 'budget.crossed'
      budget: string
      scope: 'key' | 'project' | 'user' | 'node'
      scopeId: string
      /** Of the amount, what is spent now. */
      percent: number
      /** Unix milliseconds of the end of its window; absent for a budget that never starts anew. */
      resetsAt?: number | undefined
    }
  | {
      type: 'alert.raised' | 'alert.resolved'
      alert: string
      rule: string
      subject: string
      value: number
      threshold: number
      message: string
    }

interface CallEnd {
  id: string
  task: CallTask
  model: string
  principal: string
  /** Milliseconds from the call to its end and to its first chunk. */
  totalMs: number
  firstChunkMs: number | undefined
  chunks: number
  tokensIn: number
  tokensOut: number
  /** True where nobody counted before the answer broke off: a token for each chunk that came. */
  isEstimated?: boolean
}

/** A copy of an event with the time it happened (Unix milliseconds) and its place in the log. */
export type LoggedEvent = NodeEvent & { at: number; seq: number }

export interface EventLog {
  emit: (event: NodeEvent) => void
  /** Calls back with every later event; returns the function that ends it. A listener that throws is dropped. */
  subscribe: (listener: (event: LoggedEvent) => void) => () => void
  /** The newest events, oldest first. */
  recent: () => readonly LoggedEvent[]
}

/** The log in memory: the last `keep` events and whoever listens. */
export function createEventLog(now: () => number, keep = 1_000): EventLog {
  const kept: LoggedEvent[] = []
  const listeners = new Set<(event: LoggedEvent) => void>()
  let seq = 0
  return {
    emit: event => {
      const logged = { ...event, at: now(), seq: ++seq }
      kept.push(logged)
      if (kept.length > keep) kept.shift()
      for (const listener of listeners) {
        try {
          listener(logged)
        } catch {
          listeners.delete(listener)
        }
      }
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    recent: () => kept,
  }
}
