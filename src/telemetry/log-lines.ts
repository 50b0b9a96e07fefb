import type { LoggedEvent } from '../core/index.ts'
import { isWritten, type LineLevel, type LogLevel, levelOf } from './log-levels.ts'
import { visible, withoutSecrets } from './plain-text.ts'

export interface LogLinesOptions {
  readonly level: LogLevel
  readonly write: (line: string) => void
}

/** Each event as one line for people: time, level, what happened, its fields. Events hold no prompts, so lines do not. */
export function createLogLines({ level, write }: LogLinesOptions): (event: LoggedEvent) => void {
  return event => {
    const own = levelOf(event)
    if (isWritten(own, level)) write(humanLine(event, own))
  }
}

export function humanLine(event: LoggedEvent, level: LineLevel): string {
  const { type, at, seq: _seq, ...fields } = event
  const parts = Object.entries(fields)
    .flatMap(flattened)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name}=${printed(value)}`)
  return `${new Date(at).toISOString()} ${level.padEnd(5)} ${type} ${parts.join(' ')}`.trimEnd()
}

/** Of a field with fields of its own, each of them. */
function flattened([name, value]: [string, unknown]): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[name, value]]
  return Object.entries(value).map(([inner, one]) => [`${name}.${inner}`, one])
}

/** A value on one line: control characters are escaped, so that no message can forge a line or move the cursor. */
function printed(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 10) / 10)
  const text = withoutSecrets(String(value))
  return /^[\w.:/@-]+$/.test(text) ? text : visible(JSON.stringify(text))
}
