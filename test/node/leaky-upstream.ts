import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LeakyUpstream {
  readonly url: string
  readonly stop: () => Promise<void>
}

/**
 * An OpenAI server that repeats the prompt wherever it can: in its answers, and in the words of every failure it knows.
 * The model's name says how it ends; all of them begin with `prefix`.
 */
export async function startLeakyUpstream(answerWord: string, prefix = ''): Promise<LeakyUpstream> {
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString()
    if (request.method === 'GET') {
      return json(response, 200, { object: 'list', data: leakyModels.map(id => ({ id: prefix + id })) })
    }
    const body = JSON.parse(text) as { model: string; messages?: unknown; prompt?: unknown; input?: unknown }
    body.model = body.model.slice(prefix.length)
    const said = `${answerWord}, you said ${JSON.stringify(body.messages ?? body.prompt ?? body.input)}`
    const isChat = request.url?.endsWith('/chat/completions') === true
    if (request.url?.endsWith('/embeddings')) return embed(response, body.model, said)
    const status = /^refuse-(\d+)$/.exec(body.model)?.[1]
    if (status !== undefined) return json(response, Number(status), failure(said))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (data: unknown) =>
      response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
    if (body.model === 'torn-early') send(said)
    for (const word of said.split(' ')) send(chunk(body.model, isChat, `${word} `))
    if (body.model === 'fail-late') send(failure(said))
    if (body.model === 'torn-late') send(answerWord)
    if (body.model === 'torn-usage') send(`{"usage":{"prompt_tokens":${answerWord}}}`)
    if (body.model === 'cut-late') return void response.destroy()
    send(chunk(body.model, isChat, '', 'stop'))
    send({ ...chunk(body.model, isChat, ''), choices: [], usage })
    send('[DONE]')
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, stop }
}

export const failingModels = [
  ...['refuse-400', 'refuse-401', 'refuse-404', 'refuse-413', 'refuse-422', 'refuse-429', 'refuse-500', 'refuse-503'],
  ...['fail-late', 'torn-early', 'torn-late', 'torn-usage', 'cut-late'],
]
const leakyModels = ['echo', 'torn-vector', ...failingModels]
const usage = { prompt_tokens: 7, completion_tokens: 9, total_tokens: 16 }

function failure(said: string) {
  return { error: { message: said, type: said, code: said, param: said, details: { said } } }
}

function chunk(model: string, isChat: boolean, text: string, finish_reason: string | null = null) {
  const choice = isChat ? { index: 0, delta: { content: text }, finish_reason } : { index: 0, text, finish_reason }
  return { id: 'x', object: isChat ? 'chat.completion.chunk' : 'text_completion', created: 1, model, choices: [choice] }
}

function embed(response: ServerResponse, model: string, said: string): void {
  if (model === 'torn-vector') return void response.end(said)
  json(response, 200, { object: 'list', model, said, data: [{ object: 'embedding', index: 0, embedding: [1] }], usage })
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
