import type { ServiceKind } from '../../src/backends/index.ts'
import { ParleyError, type TokenCall } from '../../src/core/index.ts'
import { ChatChunk, type Chunk, EmbeddingResponse, Usage } from '../../src/openai/index.ts'
import { compliance, contextOf, drain, type Subject } from '../compliance.ts'
import type { Scripted } from '../scripted.ts'
import { dialects, type Piece } from './dialects.ts'
import { type Asked, startService } from './service.ts'

/** The scripted truth behind a service's own protocol. */
async function serviceOf(kind: ServiceKind, truth: Scripted): Promise<Subject> {
  const names = (await truth.models(AbortSignal.timeout(1_000))).map(({ id }) => id)
  const options = { models: dialects[kind].models === undefined ? names : [] }
  return await startService(kind, asked => answer(asked, truth, names), options)
}

async function answer(asked: Asked, truth: Scripted, names: readonly string[]): Promise<void> {
  const { request, response, dialect, gone, json } = asked
  if (request.method === 'GET') return json(200, dialect.models?.(names))
  const call = callOf(asked)
  try {
    if (call.task === 'embedding') {
      const { chunks, outcome } = await drain(truth.run(call, contextOf({ signal: gone })))
      const vector = EmbeddingResponse.parse(chunks[0]!.json()).data[0]!.embedding as number[]
      return json(200, dialect.embedding(vector, outcome.usage.prompt_tokens))
    }
    await relay(asked, truth.run(call, contextOf({ signal: gone })))
    response.end()
  } catch (cause) {
    const error = ParleyError.from(cause)
    if (error.code === 'stream_cut') response.destroy()
    else if (response.headersSent) response.end()
    else json(error.httpStatus, dialect.error(error.httpStatus, error.message))
  }
}

function callOf({ request, dialect }: Asked): TokenCall {
  const { model, tools } = dialect.read(request.path, request.body)
  if (dialect.isEmbedding(request.path)) return { task: 'embedding', body: { model, input: 'hi' } }
  const messages = [{ role: 'user' as const, content: 'hi' }]
  return { task: 'chat', body: { model, messages, ...(tools !== undefined && { tools: tools as [] }) } }
}

async function relay({ say }: Asked, reply: ReturnType<Scripted['run']>): Promise<void> {
  let reason = 'stop'
  for await (const chunk of reply) {
    for (const piece of piecesOf(chunk)) await say(piece)
    const { choices, usage } = ChatChunk.parse(chunk.json())
    reason = choices[0]?.finish_reason ?? reason
    if (usage != null) await say({ type: 'end', reason: reason as 'stop', usage: Usage.parse(usage) })
  }
}

function piecesOf(chunk: Chunk): Piece[] {
  const { delta } = ChatChunk.parse(chunk.json()).choices[0] ?? {}
  if (delta?.role === 'assistant') return [{ type: 'start', promptTokens: 3 }]
  if (delta?.content) return [{ type: 'text', text: delta.content }]
  return (delta?.tool_calls ?? []).map(({ id, function: called }) => ({
    type: 'call',
    id: id ?? '',
    name: called?.name ?? '',
    args: called?.arguments ?? '',
  }))
}

const kinds: readonly ServiceKind[] = ['anthropic', 'google', 'mistral', 'cohere', 'bedrock', 'azure']
for (const kind of kinds) {
  const lacks = kind === 'anthropic' ? (['unknown fields', 'embeddings'] as const) : (['unknown fields'] as const)
  compliance(`a service that speaks ${kind}`, truth => serviceOf(kind, truth), { lacks })
}
