import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** What the upstream says to a prompt, and how fast. */
export interface Saying {
  readonly text: string
  /** Characters of one event. */
  readonly pieceLength?: number
  /** Milliseconds between events. */
  readonly everyMs?: number
  /** Characters that come without waiting, in pieces of a hundred times the length. */
  readonly atOnce?: number
}

export interface TalkingUpstream {
  readonly url: string
  /** Lines for a node's configuration. */
  readonly config: string
  readonly close: () => Promise<void>
}

/** An AI service that says what a test wants it to. */
export async function startUpstream(
  name: string,
  say: (prompt: string) => Saying,
  otherModels: readonly string[] = [],
): Promise<TalkingUpstream> {
  const server = createServer((request, response) => {
    if (request.url === '/v1/models') {
      response.setHeader('content-type', 'application/json')
      const data = [name, ...otherModels].map(id => ({ id, object: 'model', created: 0, owned_by: 'test' }))
      response.end(JSON.stringify({ object: 'list', data }))
      return
    }
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const { messages } = JSON.parse(Buffer.concat(pieces).toString()) as { messages: { content: unknown }[] }
      void stream(response, say(textOf(messages.at(-1)?.content)))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return {
    url,
    config: `[[upstreams]]\nname = "${name}-service"\nurl = "${url}"\n`,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  const parts = Array.isArray(content) ? (content as { text?: string }[]) : []
  return parts.map(({ text = '' }) => text).join('\n')
}

async function stream(
  response: ServerResponse,
  { text, pieceLength = 400, everyMs = 0, atOnce = 0 }: Saying,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const event = (choice: object, more: object = {}) =>
    response.write(
      `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model: 'x', choices: [choice], ...more })}\n\n`,
    )
  for (let at = 0; at < text.length && !response.destroyed; ) {
    const isQuick = at < atOnce
    const length = isQuick ? pieceLength * 100 : pieceLength
    event({ index: 0, delta: { content: text.slice(at, at + length) }, finish_reason: null })
    at += length
    if (everyMs > 0 && !isQuick) await wait(everyMs)
  }
  event({ index: 0, delta: {}, finish_reason: 'stop' })
  response.end('data: [DONE]\n\n')
}
