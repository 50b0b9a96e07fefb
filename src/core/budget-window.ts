import type { BudgetWindow } from './records.ts'

const hourMs = 3_600_000
const dayMs = 86_400_000
const weekMs = 7 * dayMs
/** Unix time began on a Thursday; weeks begin on Monday. */
const mondayMs = 4 * dayMs

/** The window that holds this moment, in UTC: from its start to before its end. `total` has no end. */
export function windowAround(window: BudgetWindow, now: number): { start: number; end: number | undefined } {
  switch (window) {
    case 'hour':
      return from(now - mod(now, hourMs), hourMs)
    case 'day':
      return from(now - mod(now, dayMs), dayMs)
    case 'week':
      return from(now - mod(now - mondayMs, weekMs), weekMs)
    case 'month': {
      const date = new Date(now)
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
      return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) }
    }
    case 'total':
      return { start: 0, end: undefined }
  }
}

function from(start: number, lengthMs: number): { start: number; end: number } {
  return { start, end: start + lengthMs }
}

function mod(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor
}
