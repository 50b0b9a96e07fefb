import { CommanderError } from 'commander'
import { configKeys, nearest } from '../config/index.ts'
import { type ErrorCode, errorTable, ParleyError } from '../core/index.ts'
import { toJson } from './output.ts'

/** What went wrong, why, and what to do next; and how the process ends. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly why: string
  readonly next: string
  readonly exitCode: number
}

export function failureOf(cause: unknown, signal: AbortSignal): Failure {
  const error = cause instanceof CommanderError ? usageError(cause) : ParleyError.from(cause, signal)
  const row = errorTable[error.code]
  const { what, next } = parts(error.message)
  return { code: error.code, message: what, why: row.means, next: next ?? row.next, exitCode: row.exit }
}

/** Messages say what, then after the last semicolon what next. A list of problems has no single next step. */
function parts(message: string): { what: string; next?: string } {
  const at = message.lastIndexOf('; ')
  if (at === -1 || message.includes('\n')) return { what: message }
  return { what: message.slice(0, at), next: message.slice(at + 2) }
}

/** The failure in three parts, or as one line of JSON for programs. */
export function showFailure({ code, message, why, next }: Failure, isJson: boolean): string {
  if (isJson) return toJson({ v: 1, error: { code, message, why, next } })
  const [first = '', ...more] = message.split('\n')
  const what = [`error: ${first}`, ...more.map(line => `       ${line}`)].join('\n')
  return `${what}\n  why: ${why} (${code})\n  next: ${next}`
}

function usageError(cause: CommanderError): ParleyError {
  const message = cause.message.replace(/^error: /, '').replace(/\.$/, '')
  const option = /^unknown option '(--[^']+)'$/.exec(message)?.[1]
  const near = option && nearest(option, flagNames)
  return new ParleyError('usage', near ? `${message}; did you mean ${near}?` : message.replace('\n(', '; ('), { cause })
}

const flagNames = configKeys.flatMap(({ flag }) => flag ?? [])
