import { performance } from 'node:perf_hooks'
import type { Stage } from '../../src/cli/stage.ts'
import { type Line, lineOf } from './lines.ts'
import { p50 } from './numbers.ts'

export interface Endpoint {
  readonly baseUrl: string
  readonly apiKey: string
}

interface Answer {
  readonly firstMs: number
  readonly tokensPerSecond: number
}
type Way = 'direct' | 'paid'

/** Models of the same process, asked directly and through the user node that pays for it. */
export async function measureAnswers(
  stage: Stage,
  direct: Endpoint,
  models: { nano: string; half: string },
): Promise<Line[]> {
  const ways = { direct, paid: { baseUrl: stage.baseUrl, apiKey: stage.apiKey } }
  const small = await compare(ways, { model: models.nano, tokens: 1_000, rounds: 16 })
  const half = await compare(ways, { model: models.half, tokens: 64, rounds: 6 })
  return [
    lineOf(
      'first token through a paid peer',
      `${small.firstMs.toFixed(1)} ms, ${small.laterMs.toFixed(1)} ms after direct`,
      {
        value: small.laterMs,
      },
    ),
    lineOf('tokens/s through a paid peer, 0.5 B model', half.shown, {
      value: half.ratio,
      target: '≥ 0.97×',
      isMet: half.ratio >= 0.97,
    }),
    lineOf('  the nano model, 4 M', small.shown, { value: small.ratio }),
  ]
}

async function compare(
  ways: Readonly<Record<Way, Endpoint>>,
  { rounds, ...question }: { model: string; tokens: number; rounds: number },
) {
  const both: Record<Way, Answer>[] = []
  for (let round = -2; round < rounds; round++) {
    const run = { direct: await ask(ways.direct, question), paid: await ask(ways.paid, question) }
    if (round >= 0) both.push(run)
  }
  const speed = (way: Way) => p50(both.map(run => run[way].tokensPerSecond))
  const ratio = speed('paid') / speed('direct')
  return {
    ratio,
    firstMs: p50(both.map(({ paid }) => paid.firstMs)),
    laterMs: p50(both.map(({ direct, paid }) => paid.firstMs - direct.firstMs)),
    shown: `${speed('paid').toFixed(1)} tokens/s of ${speed('direct').toFixed(1)} direct, ${ratio.toFixed(3)}×`,
  }
}

/** Where the vocabulary of both models ends a text. */
const endTokens = [0, 1, 2, 3]

async function ask(
  { baseUrl, apiKey }: Endpoint,
  { model, tokens }: { model: string; tokens: number },
): Promise<Answer> {
  const startedAt = performance.now()
  const response = await fetch(`${baseUrl}/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      model,
      prompt: 'Once upon a time',
      max_tokens: tokens,
      temperature: 0,
      // Or its story would end after a hundred tokens.
      logit_bias: Object.fromEntries(endTokens.map(token => [token, -100])),
      stream: true,
      stream_options: { include_usage: true },
    }),
  })
  let firstAt: number | undefined
  let text = ''
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    firstAt ??= performance.now()
    text += piece
  }
  const endedAt = performance.now()
  const said = Number(/"completion_tokens":(\d+)/.exec(text)?.[1])
  if (!text.endsWith('data: [DONE]\n\n') || !(said > 1)) throw new Error(`no whole answer: ${text.slice(-200)}`)
  return { firstMs: firstAt! - startedAt, tokensPerSecond: ((said - 1) * 1_000) / (endedAt - firstAt!) }
}
