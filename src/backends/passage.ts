import type { Passage, PassageAnswer } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { OpenAiClientOptions } from './openai-client.ts'
import { type Response, send } from './send.ts'

/** The way to an upstream for what it keeps itself. Nothing is held in memory, in neither direction. */
export function createPassage(server: OpenAiClientOptions): Passage {
  return {
    name: server.name,
    request: async ({ method, path, headers, body, headersMs, idleMs, signal }) => {
      const bounds = { headersMs, idleMs, signal }
      const sending = { method, path: server.basePath + path, headers: { ...headers, accept: '*/*' }, ...bounds }
      const response = await send(server, { ...sending, ...(body !== undefined && { stream: body }) })
      return answerOf(server, response, signal)
    },
  }
}

function answerOf(server: OpenAiClientOptions, response: Response, signal: AbortSignal): PassageAnswer {
  const { statusCode, headers } = response
  return {
    status: statusCode,
    contentType: String(headers['content-type'] ?? 'application/octet-stream'),
    contentLength: headers['content-length']?.toString(),
    body: piecesOf(server, response, signal),
  }
}

async function* piecesOf({ name }: OpenAiClientOptions, { body }: Response, signal: AbortSignal) {
  body.on('error', alreadyTold)
  try {
    for await (const piece of body) yield piece as Uint8Array
  } catch (cause) {
    if (signal.aborted) throw ParleyError.from(cause, signal)
    if ((cause as { code?: unknown } | null)?.code === 'UND_ERR_BODY_TIMEOUT') {
      throw new ParleyError('timeout', `${name} fell silent in the middle of its answer; try again`, { cause })
    }
    throw new ParleyError('stream_cut', `${name} broke off in the middle of its answer; try again`, { cause })
  } finally {
    body.destroy()
  }
}

/** Destroying a body makes it emit the abort that was reported already. */
function alreadyTold(): void {}
