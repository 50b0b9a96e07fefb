import type { CashDesk } from '../core/index.ts'
import { sessionHeader } from '../core/index.ts'
import {
  acceptedCodec,
  grantCodec,
  helloCodec,
  receiptsCodec,
  receiptsQueryCodec,
  sheetCodec,
  voucherCodec,
} from '../session/index.ts'
import type { OpenAiClient } from './openai-client.ts'

/** A provider's cash desk, spoken to over HTTP. The connection proves who we are, so no call names a peer id. */
export function createRemoteDesk({ json }: OpenAiClient): CashDesk {
  return {
    quotes: async signal => sheetCodec.decode(await json('GET', '/parley/v1/quote', undefined, signal)),
    open: async (hello, _peerId, signal, held) => {
      const body = helloCodec.encode({ version: 1, ...hello, held })
      return grantCodec.decode(await json('POST', '/parley/v1/session', body, signal))
    },
    voucher: async (session, voucher, signal) => {
      const body = voucherCodec.encode(voucher)
      const headers = { [sessionHeader]: session }
      return acceptedCodec.decode(await json('POST', '/parley/v1/voucher', body, signal, headers)).accepted
    },
    receipts: async (session, requests, signal) => {
      const body = receiptsQueryCodec.encode({ requests: [...requests] })
      const headers = { [sessionHeader]: session }
      return receiptsCodec.decode(await json('POST', '/parley/v1/receipts', body, signal, headers)).receipts
    },
  }
}
