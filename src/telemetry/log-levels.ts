import type { LoggedEvent } from '../core/index.ts'

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'
/** What a line can have. */
export type LineLevel = Exclude<LogLevel, 'silent'>

const order: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug']

const levels: Partial<Record<LoggedEvent['type'], LineLevel>> = {
  'service.failed': 'error',
  'alert.raised': 'error',
  'store.lost': 'error',
  'rows.dropped': 'warn',
  'call.attempted': 'warn',
  'provider.failed': 'warn',
  'voucher.refused': 'warn',
  'registry.unavailable': 'warn',
  'budget.crossed': 'warn',
  'alert.resolved': 'info',
  'node.started': 'info',
  'node.stopped': 'info',
  'setup.changed': 'info',
  'management.changed': 'info',
  'service.recovered': 'info',
  'store.back': 'info',
  'call.ended': 'info',
  'call.failed': 'info',
  'session.opened': 'info',
  'claim.sent': 'info',
  'model.loaded': 'info',
  'provider.learned': 'info',
}

/** How much an event matters by itself. */
export function levelOf({ type }: LoggedEvent): LineLevel {
  return levels[type] ?? 'debug'
}

/** Whether a line of one level is written where another is set. */
export function isWritten(line: LineLevel, set: LogLevel): boolean {
  return order.indexOf(line) <= order.indexOf(set)
}
