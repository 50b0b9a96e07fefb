import type { Dispatcher } from 'undici'

type Headers = Dispatcher.ResponseData['headers']

/**
 * How long a server asks to wait, in seconds as text: `retry-after-ms`, seconds, or a date. A date is measured against the
 * server's own, so that its clock may be wrong.
 */
export function retryAfterOf(headers: Headers): string | undefined {
  const ms = Number(textOf(headers, 'retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(ms) && ms >= 0) return String(Math.ceil(ms / 1_000))
  const said = textOf(headers, 'retry-after')
  if (said === undefined) return undefined
  if (/^\d+(?:\.\d+)?$/.test(said)) return String(Math.ceil(Number(said)))
  const waitMs = Date.parse(said) - Date.parse(textOf(headers, 'date') ?? '')
  return Number.isNaN(waitMs) ? undefined : String(Math.max(0, Math.ceil(waitMs / 1_000)))
}

function textOf(headers: Headers, name: string): string | undefined {
  return headers[name]?.toString().trim()
}
