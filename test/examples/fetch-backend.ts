import { type Backend, type Call, type Context, isTokenCall, ParleyError, type Reply } from '../../src/core/index.ts'
import { type ChatChunk, Chunk, ModelList, noUsage, readEvents } from '../../src/openai/index.ts'

const paths = { chat: '/chat/completions', completion: '/completions', embedding: '/embeddings' }

/** A backend in one file: any OpenAI-compatible server, asked with nothing but `fetch`. */
export function createFetchBackend(name: string, url: string, apiKey: string): Backend {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }

  async function send(path: string, signal: AbortSignal, body?: unknown): Promise<Response> {
    const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(url + path, { headers, signal, ...request }).catch(cause => {
      throw ParleyError.from(cause, signal, 'backend_failed')
    })
    if (response.ok) return response
    await response.body?.cancel()
    const code = response.status === 404 ? 'model_not_found' : 'backend_failed'
    throw new ParleyError(code, `${name} answered ${response.status}; try another provider`)
  }

  async function* run(call: Call, { signal }: Context): Reply {
    if (!isTokenCall(call)) throw new ParleyError('unsupported', `${name} has chats, completions and embeddings only`)
    if (call.task === 'embedding') {
      const answer = Chunk.of(await (await send(paths.embedding, signal, call.body)).json())
      yield answer
      return { usage: answer.usage() ?? noUsage, servedBy: name }
    }
    const asked = { ...call.body, stream: true, stream_options: { include_usage: true } }
    return yield* stream(await send(paths[call.task], signal, asked), signal)
  }

  async function* stream({ body }: Response, signal: AbortSignal): Reply {
    let usage = noUsage
    let finishReason: string | null = null
    try {
      for await (const { bytes } of readEvents(body!)) {
        const chunk = Chunk.relayed(bytes)
        if (chunk.data === undefined) continue
        if (chunk.data === '[DONE]') return { usage, servedBy: name, finishReason }
        const { choices } = chunk.json() as Partial<ChatChunk>
        if (choices === undefined) throw new ParleyError('backend_failed', `${name} failed amid its answer; try again`)
        usage = chunk.usage() ?? usage
        finishReason = choices[0]?.finish_reason ?? finishReason
        yield chunk
      }
    } catch (cause) {
      throw ParleyError.from(cause, signal, 'stream_cut')
    }
    throw new ParleyError('stream_cut', `${name} ended its answer without a terminal marker; try again`)
  }

  return {
    name,
    models: async signal => ModelList.parse(await (await send('/models', signal)).json()).data,
    run,
  }
}
