import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { longAnswer } from './texts.ts'

/** An AI service the pictures can be taken with: it answers at once, or stands still in the middle, as the question says. */
export interface Service {
  readonly url: string
  readonly stop: () => Promise<void>
}

export const serviceModels = ['qwen3-32b', 'mistral-small-24b']
const eventMs = 10
const firstTokenMs = 160
const pieceLength = 12
/** A streaming answer stands still after so many characters, so that its picture is the same each time. */
const standsAtLength = 620
const standsMs = 120_000

export async function startService(): Promise<Service> {
  const server = createServer((request, response) => {
    if (request.method === 'GET') return json(response, 200, { object: 'list', data: serviceModels.map(modelOf) })
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => void answer(Buffer.concat(pieces).toString(), response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const modelOf = (id: string) => ({ id, object: 'model', created: 0, owned_by: 'stand-in' })

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

async function answer(body: string, response: ServerResponse): Promise<void> {
  const { model, stream = false } = JSON.parse(body) as { model: string; stream?: boolean }
  await wait(firstTokenMs)
  const isSlow = /in two paragraphs/i.test(body)
  const text = isSlow
    ? longAnswer
    : 'Paris is the capital of France. It lies on the Seine, in the north of the country.'
  const usage = { prompt_tokens: 24, completion_tokens: Math.ceil(text.length / 4) }
  const totals = { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens }
  if (!stream) {
    const choice = { index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }
    return json(response, 200, {
      id: 'c',
      object: 'chat.completion',
      created: 0,
      model,
      choices: [choice],
      usage: totals,
    })
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const say = (choices: readonly object[], more: object = {}) =>
    response.write(
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 0, model, choices, ...more })}\n\n`,
    )
  for (let at = 0; at < text.length && !response.destroyed; at += pieceLength) {
    say([{ index: 0, delta: { content: text.slice(at, at + pieceLength) }, finish_reason: null }])
    await wait(isSlow && at > standsAtLength ? standsMs : eventMs, undefined, { ref: false })
  }
  say([{ index: 0, delta: {}, finish_reason: 'stop' }])
  say([], { usage: totals })
  response.end('data: [DONE]\n\n')
}
