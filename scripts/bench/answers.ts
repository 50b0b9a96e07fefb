import { performance } from 'node:perf_hooks'
import type { Stage } from '../../src/cli/stage.ts'
import { type Line, lineOf } from './lines.ts'
import { p50 } from './numbers.ts'

const rounds = 8

export interface Endpoint {
  readonly baseUrl: string
  readonly apiKey: string
}

interface Answer {
  readonly firstMs: number
  readonly tokensPerSecond: number
}

/** The same model of the same process, asked directly and through the user node that pays for it. */
export async function measureAnswers({ baseUrl, apiKey, model }: Stage, direct: Endpoint): Promise<Line[]> {
  const both: { direct: Answer; paid: Answer }[] = []
  for (let round = -2; round < rounds; round++) {
    const run = { direct: await ask(direct, model), paid: await ask({ baseUrl, apiKey }, model) }
    if (round >= 0) both.push(run)
  }
  // What else the machine does only ever slows a run down: the best of each way says most about the way.
  const speed = (way: 'direct' | 'paid') => Math.max(...both.map(run => run[way].tokensPerSecond))
  const first = (way: 'direct' | 'paid') => p50(both.map(run => run[way].firstMs))
  const ratio = speed('paid') / speed('direct')
  const later = p50(both.map(({ direct, paid }) => paid.firstMs - direct.firstMs))
  const shown = `${speed('paid').toFixed(0)} tokens/s of ${speed('direct').toFixed(0)} direct, ${ratio.toFixed(3)}×`
  return [
    lineOf('first token through a paid peer', `${first('paid').toFixed(1)} ms, ${later.toFixed(1)} ms after direct`, {
      value: later,
    }),
    lineOf('long answer through a paid peer', shown, { value: ratio, target: '≥ 0.97×', isMet: ratio >= 0.97 }),
  ]
}

const tokens = 1_000
/** Where the nano model ends a text. */
const endTokens = [0, 1, 2, 3]

async function ask({ baseUrl, apiKey }: Endpoint, model: string): Promise<Answer> {
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
