import type { JsonDocument, LoggedEvent, LogRow } from '../core/index.ts'
import type { LineLevel } from './log-levels.ts'
import { visible, withoutSecrets } from './plain-text.ts'

/** A line of the log as machines keep it; only a store needs an id for it. */
export type LogRecord = Omit<LogRow, 'id'>

const messageLengthMax = 1_000
const fieldLengthMax = 500

/** An event as a record: no control characters, nothing that looks like a secret, no text longer than its bound. */
export function recordOf(event: LoggedEvent, level: LineLevel, failures?: number): LogRecord {
  const { type, at, seq: _seq, ...facts } = event
  const said = 'message' in event ? `: ${event.message}` : ''
  const fields = Object.entries(facts).flatMap(([name, value]) => {
    const isTold = name === 'id' || name === 'message' || value === undefined || value === null
    return isTold ? [] : [[name, plain(value)] as const]
  })
  return {
    timestamp: at,
    level,
    component: componentOf(event),
    message: clean(`${type}${said}`, messageLengthMax),
    requestId: requestOf(event),
    fields: { ...Object.fromEntries(fields), ...(failures !== undefined && { failures }) },
  }
}

const components: Readonly<Record<string, string>> = {
  call: 'gateway',
  session: 'session',
  voucher: 'session',
  receipt: 'session',
  claim: 'chain',
  registry: 'chain',
  peer: 'p2p',
  provider: 'p2p',
  model: 'models',
  store: 'store',
  rows: 'store',
  budget: 'budgets',
  alert: 'alerts',
  management: 'management',
}

function componentOf({ type }: LoggedEvent): string {
  return components[type.slice(0, type.indexOf('.'))] ?? 'node'
}

const requestName = /^request ([\w-]{1,64})$/

function requestOf(event: LoggedEvent): string | null {
  if (event.type === 'service.failed') return requestName.exec(event.service)?.[1] ?? null
  const id = 'id' in event ? event.id : 'call' in event ? event.call : undefined
  return id === undefined ? null : clean(id, fieldLengthMax)
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') return clean(value, fieldLengthMax)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) return plainDocument(value)
  return value
}

function plainDocument(value: object): JsonDocument {
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

function clean(text: string, lengthMax: number): string {
  return visible(withoutSecrets(text.slice(0, lengthMax)))
}
