import { createServer, type IncomingMessage } from 'node:http'
import { lineOf, listening, stopped } from './static-host.ts'

export interface Service {
  readonly origin: string
  /** What came with the right key. */
  readonly accepted: string[]
  /** Everything that came. */
  readonly log: string[]
  readonly stop: () => Promise<void>
}

/** An AI service that wants a key and knows nothing of browsers: no page may read what it answers. */
export async function startService(key: string, answer: string): Promise<Service> {
  const accepted: string[] = []
  const log: string[] = []
  const server = createServer((request, response) => {
    log.push(lineOf(request))
    const serve = async () => {
      await text(request)
      if (request.headers.authorization !== `Bearer ${key}`) {
        response.writeHead(401, { 'content-type': 'application/json' })
        return response.end(JSON.stringify({ error: { message: 'wrong key', code: 'invalid_api_key' } }))
      }
      accepted.push(`${request.method} ${request.url}`)
      if (request.url === '/v1/models') {
        response.writeHead(200, { 'content-type': 'application/json' })
        return response.end(JSON.stringify({ object: 'list', data: [{ id: 'test-model', object: 'model' }] }))
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const chunk = (delta: object, finish_reason: string | null = null) =>
        response.write(
          `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'test-model', choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
        )
      for (const word of answer.split(/(?<= )/)) chunk({ content: word })
      chunk({}, 'stop')
      return response.end('data: [DONE]\n\n')
    }
    void serve()
  })
  const origin = await listening(server)
  return { origin, accepted, log, stop: () => stopped(server) }
}

async function text(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}
