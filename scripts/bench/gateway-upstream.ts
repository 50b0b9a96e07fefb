import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const eventCount = 36
const pacedMs = 5
const head = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench' }
const usage = { prompt_tokens: 12, completion_tokens: eventCount, total_tokens: 12 + eventCount }
const words = Array.from({ length: eventCount - 2 }, (_, index) => `word ${index} `)
const choice = (delta: object, finish_reason: string | null = null) => ({
  ...head,
  choices: [{ index: 0, delta, finish_reason }],
})
const events = [
  ...words.map((content, index) => choice(index === 0 ? { role: 'assistant', content } : { content })),
  choice({}, 'stop'),
  { ...head, choices: [], usage },
].map(event => `data: ${JSON.stringify(event)}\n\n`)
const done = 'data: [DONE]\n\n'
const short = [choice({ role: 'assistant', content: 'w'.repeat(120) }, 'stop'), { ...head, choices: [], usage }]
const shortEvents = `${short.map(event => `data: ${JSON.stringify(event)}\n\n`).join('')}${done}`
const message = { role: 'assistant', content: 'w'.repeat(120) }
const whole = JSON.stringify({
  ...head,
  object: 'chat.completion',
  choices: [{ index: 0, message, finish_reason: 'stop' }],
  usage,
})

/** A server whose answers cost next to nothing: what is measured is what stands in front of it. */
const server = createServer(async (request, response) => {
  if (request.method === 'GET')
    return void response.end(JSON.stringify({ data: ['short', 'bench', 'paced'].map(id => ({ id })) }))
  const { model, stream } = JSON.parse(Buffer.concat(await request.toArray()).toString()) as {
    model: string
    stream?: boolean
  }
  if (stream !== true) return void response.writeHead(200, { 'content-type': 'application/json' }).end(whole)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  if (model === 'short') response.end(shortEvents)
  else if (model === 'paced') await pace(response)
  else response.end(events.join('') + done)
})

async function pace(response: ServerResponse): Promise<void> {
  for (const event of events) {
    response.write(event)
    await sleep(pacedMs)
  }
  response.end(done)
}

process.on('disconnect', () => process.exit())
process.once('message', () => {
  server.listen(0, '127.0.0.1', () => process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
})
