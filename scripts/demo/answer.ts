import OpenAI from 'openai'
import type { Stage } from '../../src/cli/stage.ts'

export interface Answer {
  readonly tokensIn: number
  readonly tokensOut: number
  readonly timeToFirstTokenMs: number
  readonly tokensPerSecond: number
}

/** One streamed answer through the official SDK, of which only the base URL and the key are ours. */
export async function ask(
  { baseUrl, apiKey, model }: Stage,
  question: string,
  { signal, say }: { signal: AbortSignal; say: (text: string) => void },
): Promise<Answer> {
  const client = new OpenAI({ baseURL: baseUrl, apiKey, maxRetries: 0 })
  const askedAt = performance.now()
  const stream = await client.chat.completions.create(
    {
      model,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: question }],
    },
    { signal },
  )
  let firstAt: number | undefined
  let text = ''
  let usage = { prompt_tokens: 0, completion_tokens: 0 }
  for await (const chunk of stream) {
    const piece = chunk.choices[0]?.delta.content ?? ''
    if (piece !== '') firstAt ??= performance.now()
    text += piece
    usage = chunk.usage ?? usage
  }
  const endedAt = performance.now()
  const timeToFirstTokenMs = (firstAt ?? endedAt) - askedAt
  const seconds = (endedAt - (firstAt ?? askedAt)) / 1_000
  const tokensPerSecond = seconds > 0 ? Math.max(0, usage.completion_tokens - 1) / seconds : 0
  // A few words that came in one piece say nothing about speed.
  const rate = usage.completion_tokens >= 32 ? `, ${tokensPerSecond.toFixed(0)} tokens/s` : ''
  say(`${question}  →  ${text}`)
  say(
    `${' '.repeat(4)}first token after ${timeToFirstTokenMs.toFixed(0)} ms, ${usage.prompt_tokens} tokens in, ` +
      `${usage.completion_tokens} out${rate}`,
  )
  return { tokensIn: usage.prompt_tokens, tokensOut: usage.completion_tokens, timeToFirstTokenMs, tokensPerSecond }
}
