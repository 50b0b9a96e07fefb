import { fileURLToPath } from 'node:url'
import { createLlamaBackend, type LlamaBackend, type LlamaOptions } from '../../src/backends/llama/index.ts'
import { type Call, type Context, type Outcome, systemClock, systemRandom } from '../../src/core/index.ts'
import type { ChatChunk, Chunk } from '../../src/openai/index.ts'

export const nanoPath = fileURLToPath(new URL('../../scripts/nano-model/parley-nano-q8_0.gguf', import.meta.url))

export const never = new AbortController().signal

/** The model that comes with the node, as `nano`, with whatever the test wants different. */
export function nanoBackend(
  options: Partial<LlamaOptions> & { parallel?: number; threads?: number } = {},
): LlamaBackend {
  const { parallel = 4, threads = 1, ...rest } = options
  const models = [{ id: 'nano', path: nanoPath, parallel, threads }]
  return createLlamaBackend({ models, clock: systemClock, random: systemRandom, gpu: false, ...rest })
}

export function contextFor(signal: AbortSignal = never, principal = 'tester'): Context {
  return { id: 'call', signal, principal: { kind: 'key', id: principal }, headers: {} }
}

export interface Heard {
  readonly chunks: Chunk[]
  readonly outcome: Outcome
  /** The text of each choice, put together. */
  readonly texts: string[]
}

/** Runs a call to its end. */
export async function hear(backend: LlamaBackend, call: Call, context: Context = contextFor()): Promise<Heard> {
  const reply = backend.run(call, context)
  const chunks: Chunk[] = []
  const texts: string[] = []
  for (;;) {
    const next = await reply.next()
    if (next.done) return { chunks, outcome: next.value, texts }
    chunks.push(next.value)
    for (const choice of choicesOf(next.value)) texts[choice.index] = (texts[choice.index] ?? '') + textOf(choice)
  }
}

type AnyChoice = ChatChunk['choices'][number] & { text?: string }

export function choicesOf(chunk: Chunk): AnyChoice[] {
  return (chunk.json() as { choices?: AnyChoice[] }).choices ?? []
}

function textOf({ delta, text }: AnyChoice): string {
  return text ?? (delta?.content as string | undefined) ?? ''
}

export function ask(content: string, more: Record<string, unknown> = {}): Call<'chat'> {
  return { task: 'chat', body: { model: 'nano', temperature: 0, messages: [{ role: 'user', content }], ...more } }
}

/** A prompt the model continues for as long as it may: its end tokens are forbidden. */
export function endless(more: Record<string, unknown> = {}): Call<'completion'> {
  const prompt = '<|im_start|>user\nTell me a story about a dog.<|im_end|>\n<|im_start|>assistant\n'
  return {
    task: 'completion',
    body: { model: 'nano', prompt, seed: 7, logit_bias: { 0: -100, 1: -100, 2: -100 }, ...more },
  }
}
