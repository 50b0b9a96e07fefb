import { type CashDesk, type Hex, ParleyError, type Principal, type Random, sessionHeader } from '../core/index.ts'
import {
  acceptedCodec,
  grantCodec,
  helloCodec,
  receiptsCodec,
  receiptsQueryCodec,
  sheetCodec,
  voucherCodec,
} from '../session/index.ts'
import { readJson } from './body.ts'
import { type Exchange, sendJson } from './exchange.ts'
import { createFront, type Front } from './front.ts'
import { mediaRoutes } from './media-routes.ts'
import { type OpenAiRoutesOptions, openAiRoutes } from './openai-routes.ts'
import type { Routes } from './routes.ts'

export interface PeerFrontOptions extends Omit<OpenAiRoutesOptions, 'isPeer' | 'passages' | 'providers'> {
  readonly desk: CashDesk
  /** Throws for a caller that may not send files: they are not read. */
  readonly admit?: (principal: Principal, session: string | undefined) => void
  readonly random: Random
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly maxConnections: number
  readonly onError: (id: string, error: ParleyError) => void
}

/** The front for peers: OpenAI's routes and the cash desk, and nothing else. It is fed with authenticated streams. */
export function createPeerFront(options: PeerFrontOptions): Front {
  return createFront({
    ...options,
    reader: 'other',
    routes: {
      ...openAiRoutes({ ...options, isPeer: true }),
      ...mediaRoutes({ ...options, isPeer: true, admit: exchange => admit(exchange, options) }),
      ...deskRoutes(options),
    },
    identify: (_request, _path, connection) => {
      if (connection !== undefined) return connection
      throw new ParleyError('unauthorized', 'this front is reached through the peer-to-peer port only')
    },
  })
}

function admit({ principal, request }: Exchange, options: PeerFrontOptions): void {
  options.admit?.(principal, request.headers[sessionHeader]?.toString())
}

/** The routes between nodes (docs/protocol.md). */
function deskRoutes(options: PeerFrontOptions): Routes {
  const { desk } = options
  const body = ({ request, signal }: Exchange) => readJson(request, options, signal)
  return {
    'GET /parley/v1/quote': async ({ response, signal }) => {
      sendJson(response, 200, sheetCodec.encode(await desk.quotes(signal)))
    },
    'POST /parley/v1/session': async exchange => {
      const { held, ...hello } = helloCodec.decode(await body(exchange))
      const grant = await desk.open(hello, exchange.principal.id, exchange.signal, held)
      sendJson(exchange.response, 200, grantCodec.encode(grant))
    },
    'POST /parley/v1/voucher': async exchange => {
      const voucher = voucherCodec.decode(await body(exchange))
      const accepted = await desk.voucher(sessionOf(exchange), voucher, exchange.signal)
      sendJson(exchange.response, 200, acceptedCodec.encode({ accepted }))
    },
    'POST /parley/v1/receipts': async exchange => {
      const { requests } = receiptsQueryCodec.decode(await body(exchange))
      const receipts = await desk.receipts(sessionOf(exchange), requests, exchange.signal)
      sendJson(exchange.response, 200, receiptsCodec.encode({ receipts }))
    },
  }
}

function sessionOf({ request }: Exchange): Hex {
  const session = request.headers[sessionHeader]
  if (typeof session === 'string' && /^0x[0-9a-f]{64}$/.test(session)) return session as Hex
  throw new ParleyError(
    'session_unknown',
    `the header ${sessionHeader} names no session; open one at /parley/v1/session`,
  )
}
