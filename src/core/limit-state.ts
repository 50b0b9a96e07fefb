import type { WindowState } from './shared.ts'

/** What is left of a caller's limits; absent where it has none. */
export interface LimitState {
  readonly requests?: WindowState
  readonly tokens?: WindowState
}

/** OpenAI's headers: `x-ratelimit-limit-requests: 100`, `-remaining-…`, `-reset-…: 6m0s`, and the same for tokens. */
export function limitHeaders(state: LimitState): Record<string, string> {
  return { ...headersOf('requests', state.requests), ...headersOf('tokens', state.tokens) }
}

function headersOf(what: string, window: WindowState | undefined): Record<string, string> {
  if (window === undefined) return {}
  return {
    [`x-ratelimit-limit-${what}`]: String(window.limit),
    [`x-ratelimit-remaining-${what}`]: String(window.remaining),
    [`x-ratelimit-reset-${what}`]: duration(window.resetMs),
  }
}

/** As OpenAI writes it: `120ms`, `1.5s`, `6m0s`. */
function duration(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`
  const seconds = Math.ceil(ms / 100) / 10
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${Math.ceil(seconds % 60)}s`
}
