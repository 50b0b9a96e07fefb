import type { IncomingMessage } from 'node:http'
import type { ErrorCode } from '../core/index.ts'
import type { Handler } from './exchange.ts'

/** The page of numbers for Prometheus, and who may read it. */
export interface MetricsRoute {
  /** Counts a request that gets an error in place of an answer. */
  readonly refused: (code: ErrorCode) => void
  readonly page: () => Promise<{ readonly type: string; readonly text: string }>
  /** Whether programs on this machine may read it without a token. */
  readonly isOpen: boolean
  /** A token that opens it and nothing else. */
  readonly token: string | undefined
}

export const metricsPath = '/metrics'

export function metricsRoute({ page }: MetricsRoute): Handler {
  return async ({ response }) => {
    const { type, text } = await page()
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' })
    response.end(text)
  }
}

/** Whether a request comes from this machine and from nobody a proxy on it speaks for. */
export function isFromHere({ socket, headers }: IncomingMessage): boolean {
  const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
  const isForwarded = headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined
  return (address === '::1' || address.startsWith('127.')) && !isForwarded
}
