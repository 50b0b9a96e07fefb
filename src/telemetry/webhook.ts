import { createHmac } from 'node:crypto'
import { type AlertRow, ParleyError } from '../core/index.ts'
import type { AlertSink } from './deliveries.ts'

/** Fetches from the world outside, if that is where the address leads: whoever makes it decides where it may. */
export type FetchOut = (url: string, init: FetchOutInit) => Promise<Response>

export interface FetchOutInit {
  readonly method: 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

export interface WebhookOptions {
  readonly url: string
  /** Signs every notice. */
  readonly secret?: string | undefined
  /** The node's own name. */
  readonly node: string
  readonly fetchOut: FetchOut
}

/**
 * Posts alerts as JSON. With a secret, `x-parley-signature` is `sha256=` and the HMAC-SHA256 of the body in hex;
 * `x-parley-delivery` is the same for every attempt of one notice.
 */
export function createWebhook({ url, secret, node, fetchOut }: WebhookOptions): AlertSink {
  return {
    name: 'alert webhook',
    send: async (alert, signal) => {
      const body = JSON.stringify(noticeOf(alert, node))
      const headers = {
        'content-type': 'application/json',
        'x-parley-delivery': `${alert.id}-${alert.state}`,
        ...(secret !== undefined && { 'x-parley-signature': `sha256=${signature(body, secret)}` }),
      }
      const response = await answered(fetchOut(url, { method: 'POST', headers, body, signal }), signal)
      await response.body?.cancel()
      if (response.ok) return
      throw new ParleyError('backend_failed', `the alert webhook answered ${response.status}; check alerts.webhookUrl`)
    },
  }
}

/** What fetch says of a failure names addresses at most; the URL may hold a token and is not repeated. */
async function answered(response: Promise<Response>, signal: AbortSignal): Promise<Response> {
  try {
    return await response
  } catch (cause) {
    if (cause instanceof ParleyError || signal.aborted) throw ParleyError.from(cause, signal)
    throw new ParleyError('backend_failed', 'the alert webhook cannot be reached; check alerts.webhookUrl', { cause })
  }
}

function signature(body: string, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex')
}

function noticeOf({ startedAt, endedAt, ...alert }: AlertRow, node: string) {
  const time = (at: number) => new Date(at).toISOString()
  return { v: 1, node, ...alert, startedAt: time(startedAt), endedAt: endedAt === null ? null : time(endedAt) }
}
