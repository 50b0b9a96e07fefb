import type { LoggedEvent } from '../core/index.ts'

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

export interface LogLinesOptions {
  readonly level: LogLevel
  readonly write: (line: string) => void
}

const order: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug']

const levels: Partial<Record<LoggedEvent['type'], LogLevel>> = {
  'service.failed': 'error',
  'call.attempted': 'warn',
  'provider.failed': 'warn',
  'voucher.refused': 'warn',
  'registry.unavailable': 'warn',
  'node.started': 'info',
  'node.stopped': 'info',
  'call.ended': 'info',
  'call.failed': 'info',
  'session.opened': 'info',
  'claim.sent': 'info',
  'model.loaded': 'info',
  'provider.learned': 'info',
}

/** Each event as one line for people: time, level, what happened, its fields. Events hold no prompts, so lines do not. */
export function createLogLines({ level, write }: LogLinesOptions): (event: LoggedEvent) => void {
  const threshold = order.indexOf(level)
  return event => {
    const own = levels[event.type] ?? 'debug'
    if (order.indexOf(own) > threshold) return
    const { type, at, seq: _seq, ...fields } = event
    const parts = Object.entries(fields)
      .flatMap(flattened)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => `${name}=${printed(value)}`)
    write(`${new Date(at).toISOString()} ${own.padEnd(5)} ${type} ${parts.join(' ')}`.trimEnd())
  }
}

/** Of a field with fields of its own, each of them. */
function flattened([name, value]: [string, unknown]): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[name, value]]
  return Object.entries(value).map(([inner, one]) => [`${name}.${inner}`, one])
}

/** A value on one line: control characters are escaped, so that no message can forge a line or move the cursor. */
function printed(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 10) / 10)
  const text = String(value)
  return /^[\w.:/@-]+$/.test(text)
    ? text
    : JSON.stringify(text).replaceAll('\u001b', '\\u001b').replaceAll('\u007f', '\\u007f')
}
