import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend, Call, Context, Outcome, Reply, TokenCall } from '../src/core/index.ts'
import { ChatChunk, type Chunk, CompletionChunk, EmbeddingResponse } from '../src/openai/index.ts'
import { createScripted, type Scripted } from './scripted.ts'

export function contextOf(extra: Partial<Context> = {}): Context {
  return {
    id: crypto.randomUUID(),
    signal: new AbortController().signal,
    principal: { kind: 'self', id: 'test' },
    headers: {},
    ...extra,
  }
}

export function chat(model: string, extra: Record<string, unknown> = {}): TokenCall {
  return { task: 'chat', body: { model, messages: [{ role: 'user', content: 'hi' }], ...extra } }
}

export async function drain(reply: Reply): Promise<{ chunks: Chunk[]; outcome: Outcome }> {
  const chunks: Chunk[] = []
  for (;;) {
    const step = await reply.next()
    if (step.done === true) return { chunks, outcome: step.value }
    chunks.push(step.value)
  }
}

export function textOf(chunks: readonly Chunk[]): string {
  return chunks
    .filter(chunk => chunk.event === undefined)
    .map(chunk => ChatChunk.parse(chunk.json()).choices[0]?.delta.content ?? '')
    .join('')
}

export async function until(check: () => boolean, timeoutMs = 5_000): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(10)) if (check()) return true
  return check()
}

export interface Subject {
  backend: Backend
  stop?: () => Promise<void> | void
}

/**
 * What a backend may lack: a service without embeddings refuses them, and one with a protocol of its own can carry only
 * the fields it has words for.
 */
export type Lack = 'embeddings' | 'unknown fields'

/** What every backend must do, whatever stands behind it. `make` puts the subject in front of the scripted truth. */
export function compliance(
  name: string,
  make: (truth: Scripted) => Promise<Subject>,
  { lacks = [] }: { readonly lacks?: readonly Lack[] } = {},
): void {
  describe(name, () => {
    const truth = createScripted()
    let subject: Subject
    const run = (call: Call, extra?: Partial<Context>) => subject.backend.run(call, contextOf(extra))
    beforeAll(async () => {
      subject = await make(truth)
    }, 30_000)
    afterAll(() => subject?.stop?.())

    test('streams valid chunks, then an outcome with usage and who served', async () => {
      const { chunks, outcome } = await drain(run(chat('say-5')))
      expect(textOf(chunks)).toBe('w0 w1 w2 w3 w4 ')
      expect(outcome.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 })
      expect(outcome.finishReason).toBe('stop')
      expect(outcome.servedBy).not.toBe('')
    })

    test('answers a completion', async () => {
      const { chunks } = await drain(run({ task: 'completion', body: { model: 'say-3', prompt: 'x' } }))
      const texts = chunks.map(chunk => CompletionChunk.parse(chunk.json()).choices[0]?.text ?? '')
      expect(texts.join('')).toBe('w0 w1 w2 ')
    })

    test('answers an embedding with one chunk and its usage, or says that it cannot', async () => {
      const answer = drain(run({ task: 'embedding', body: { model: 'vec-1', input: 'hi' } }))
      if (lacks.includes('embeddings')) return await expect(answer).rejects.toMatchObject({ code: 'unsupported' })
      const { chunks, outcome } = await answer
      expect(chunks).toHaveLength(1)
      expect(EmbeddingResponse.parse(chunks[0]!.json()).data[0]!.embedding).toEqual([1, 2, 3])
      expect(outcome.usage.prompt_tokens).toBe(3)
    })

    test('lists its models', async () => {
      const ids = (await subject.backend.models(AbortSignal.timeout(10_000))).map(model => model.id)
      expect(ids).toContain('say-5')
    })

    test('carries request fields it does not know', async () => {
      const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]
      const unknown = { x_unknown: { deep: [1, 'two'] } }
      await drain(run(chat('say-1', { tools, ...unknown })))
      expect(truth.script.lastBody).toMatchObject(lacks.includes('unknown fields') ? { tools } : { tools, ...unknown })
    })

    test('keeps tool calls by index', async () => {
      const { chunks, outcome } = await drain(run(chat('tool-1')))
      const deltas = chunks.flatMap(chunk => ChatChunk.parse(chunk.json()).choices[0]?.delta.tool_calls ?? [])
      expect(deltas.map(delta => delta.function?.arguments ?? '').join('')).toBe('{"city":"Bern"}')
      expect(outcome.finishReason).toBe('tool_calls')
    })

    test('keeps the code of an early failure', async () => {
      await expect(drain(run(chat('absent-1')))).rejects.toMatchObject({ code: 'model_not_found' })
    })

    test('gives the chunks before a late failure, then a typed error', async () => {
      const reply = run(chat('break-3'))
      let words = 0
      const read = async () => {
        for await (const chunk of reply) if (textOf([chunk]) !== '') words++
      }
      await expect(read()).rejects.toMatchObject({ name: 'ParleyError', mayRetry: true })
      expect(words).toBe(2)
    })

    test('never takes a cut stream for a whole one', async () => {
      await expect(drain(run(chat('cut-3')))).rejects.toMatchObject({ name: 'ParleyError' })
    })

    test('an abort stops the work at the far end', async () => {
      const gone = new AbortController()
      const reply = run(chat('slow-1000'), { signal: gone.signal })
      await reply.next()
      gone.abort()
      await expect(drain(reply)).rejects.toMatchObject({ code: 'cancelled' })
      expect(await until(() => truth.script.open === 0)).toBe(true)
    })

    test('an abort reaches a backend that is still silent', async () => {
      const gone = new AbortController()
      const answer = drain(run(chat('mute-1'), { signal: gone.signal }))
      const refused = expect(answer).rejects.toMatchObject({ code: 'cancelled' })
      expect(await until(() => truth.script.open === 1)).toBe(true)
      gone.abort()
      await refused
      expect(await until(() => truth.script.open === 0)).toBe(true)
    })

    test('a reader that leaves stops the work at the far end', async () => {
      const reply = run(chat('slow-1000'))
      await reply.next()
      await reply.return(undefined as never)
      expect(await until(() => truth.script.open === 0)).toBe(true)
    })

    test('a slow reader slows the far end', async () => {
      const reply = run(chat('flood-4000'))
      for (let i = 0; i < 4; i++) await reply.next()
      await sleep(300)
      const produced = truth.script.produced
      expect(produced).toBeLessThan(3_900)
      await reply.return(undefined as never)
      expect(await until(() => truth.script.open === 0)).toBe(true)
    })

    test('carries 16 calls at once, each with its own words', async () => {
      const all = await Promise.all(Array.from({ length: 16 }, (_, i) => drain(run(chat(`say-${i + 1}`)))))
      for (const [i, { chunks }] of all.entries()) {
        expect(textOf(chunks)).toBe(Array.from({ length: i + 1 }, (_, word) => `w${word} `).join(''))
      }
    })

    test('carries a chunk of one mebibyte', async () => {
      const { chunks } = await drain(run(chat('big-1')))
      expect(textOf(chunks)).toHaveLength(1 << 20)
    })

    test('keeps characters of several bytes whole', async () => {
      const { chunks } = await drain(run(chat('greet-1')))
      expect(textOf(chunks)).toBe('grüezi 世界 👋🏽\n\n')
    })
  })
}
