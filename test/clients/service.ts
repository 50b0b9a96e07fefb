import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An OpenAI server that answers from a script; what it was asked is kept. */
export interface Service {
  /** Base URL, `/v1` included. */
  readonly url: string
  readonly asked: { readonly path: string; readonly body: Body }[]
  stop: () => Promise<void>
}

interface Body {
  model: string
  messages?: { role: string; content?: unknown }[]
  tools?: { function: { name: string } }[]
  response_format?: { type: string }
  prompt?: string | string[]
  input?: string | string[]
  encoding_format?: string
  n?: number
  [field: string]: unknown
}

type Choice = Record<string, unknown>

/**
 * Models by name: `talker` talks and calls the tools it is offered until it has their results, `thinker` thinks first,
 * `clipped` runs into its limit, `cut` breaks off without an end, `vectors` embeds, in whatever form it was asked for,
 * and `numbers` embeds in numbers alone.
 */
const models = ['talker', 'thinker', 'clipped', 'cut', 'vectors', 'numbers']

export async function startService(): Promise<Service> {
  const asked: Service['asked'][number][] = []
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') return sendJson(response, { data: models.map(id => ({ id })) })
    const body = await bodyOf(request)
    asked.push({ path: request.url!, body })
    if (request.url === '/v1/embeddings') return sendJson(response, embeddings(body))
    sendEvents(response, body, request.url === '/v1/completions' ? completion(body) : chat(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked, stop }
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  return JSON.parse(Buffer.concat(await request.toArray()).toString()) as Body
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
}

function sendEvents(response: ServerResponse, { model }: Body, { object, choices }: ReturnType<typeof chat>): void {
  const head = { id: 'answer-1', object, created: 1_700_000_000, model }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const choice of choices) response.write(`data: ${JSON.stringify({ ...head, choices: [choice] })}\n\n`)
  if (model === 'cut') return void response.end()
  const usage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 }
  const details = { prompt_tokens_details: { cached_tokens: 2 }, completion_tokens_details: { reasoning_tokens: 1 } }
  response.end(`data: ${JSON.stringify({ ...head, choices: [], usage: { ...usage, ...details } })}\n\ndata: [DONE]\n\n`)
}

function chat(body: Body): { object: string; choices: Choice[] } {
  const { model, messages = [], tools = [], n = 1 } = body
  const hasResults = messages.at(-1)?.role === 'tool'
  const deltas = tools.length > 0 && !hasResults ? callDeltas(tools) : textDeltas(model, said(body, hasResults))
  const finish = 'tool_calls' in deltas.at(-1)! ? 'tool_calls' : model === 'clipped' ? 'length' : 'stop'
  const told = [...deltas.map(delta => ({ delta, finish_reason: null })), { delta: {}, finish_reason: finish }]
  const opened = [{ delta: { role: 'assistant', content: '' }, finish_reason: null }, ...told]
  const whole = model === 'cut' ? opened.slice(0, -1) : opened
  const choices = whole.flatMap(choice => Array.from({ length: n }, (_, index) => ({ index, ...choice })))
  return { object: 'chat.completion.chunk', choices }
}

function said({ response_format: format }: Body, hasResults: boolean): string {
  if (format?.type === 'json_schema') return '{"city":"Bern","degrees":21}'
  return hasResults ? 'It is 21 degrees in Bern.' : 'Grüezi, wie goht’s? 👋🏽'
}

function textDeltas(model: string, text: string): Choice[] {
  const thoughts = model === 'thinker' ? ['Let me ', 'think.'].map(reasoning_content => ({ reasoning_content })) : []
  return [...thoughts, ...text.split(/(?<= )/).map(content => ({ content }))]
}

/** Two calls of the first tool side by side, their arguments in interleaved pieces. */
function callDeltas([tool]: NonNullable<Body['tools']>): Choice[] {
  const { name } = tool!.function
  const begin = (index: number) => ({ index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } })
  const piece = (index: number, text: string) => ({ index, function: { arguments: text } })
  return [
    { tool_calls: [begin(0)] },
    { tool_calls: [piece(0, '{"city":')] },
    { tool_calls: [begin(1)] },
    { tool_calls: [piece(1, '{"city":"Z'), piece(0, '"Bern"}')] },
    { tool_calls: [piece(1, 'ürich"}')] },
  ]
}

/** Each prompt is answered with itself, its choices interleaved with those of the others. */
function completion({ prompt = '', n = 1 }: Body): { object: string; choices: Choice[] } {
  const texts = [prompt].flat().flatMap(text => Array.from({ length: n }, () => text))
  const tell = (finish_reason: string | null, told: (text: string) => string) =>
    texts.map((text, index) => ({ index, text: told(text), logprobs: null, finish_reason }))
  return {
    object: 'text_completion',
    choices: [...tell(null, text => `${text} …`), ...tell('stop', () => ' ever after')],
  }
}

function embeddings({ model, input = '', encoding_format: format }: Body): unknown {
  const data = [input].flat().map((text, index) => {
    const vector = [text.length, 0.1, -1e-7]
    const packed = format === 'base64' && model !== 'numbers'
    return { object: 'embedding', index, embedding: packed ? pack(vector) : vector }
  })
  return { object: 'list', model, data, usage: { prompt_tokens: 7, total_tokens: 7 } }
}

function pack(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64')
}
