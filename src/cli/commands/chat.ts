import type { Command } from 'commander'
import { ParleyError } from '../../core/index.ts'
import { decodeEvent, readEvents } from '../../openai/index.ts'
import { action, type CommandContext } from '../context.ts'
import { clean } from '../output.ts'
import { readAll } from '../prompt.ts'
import { requireNode } from '../running-node.ts'

interface ChatOptions {
  system?: string
  maxTokens?: string
  temperature?: string
}

export function addChat(program: Command): void {
  program
    .command('chat')
    .alias('run')
    .argument('<model>', 'a model of `parley models`')
    .argument('[prompt]', 'what to ask; read from standard input when missing')
    .description('ask a model through the running node and stream the answer; Ctrl-C stops it')
    .option('--system <text>', 'instructions that come before the prompt')
    .option('--max-tokens <count>', 'longest answer')
    .option('--temperature <number>', 'how much chance: 0 to 2')
    .addHelpText(
      'after',
      '\nExamples:\n  $ parley chat parley-nano "What is 7 plus 5?"\n  $ git diff | parley run qwen3-8b --system "Write a commit message."',
    )
    .action(
      action(async (context, model: string, given: string | undefined, options: ChatOptions) => {
        const body = await request(context, model, given, options)
        const node = requireNode(context.load().config.paths)
        const response = await node.request('/v1/chat/completions', { body, signal: context.signal })
        await show(context, response)
      }),
    )
}

const promptBytesMax = 16 * 1024 * 1024

async function request(context: CommandContext, model: string, given: string | undefined, options: ChatOptions) {
  const prompt = given ?? (await askedFor(context))
  if (prompt.trim() === '') throw new ParleyError('usage', 'there is no prompt; give one as an argument or pipe it in')
  const system = options.system === undefined ? [] : [{ role: 'system', content: options.system }]
  return {
    model,
    messages: [...system, { role: 'user', content: prompt }],
    stream: true,
    stream_options: { include_usage: true },
    ...(options.maxTokens !== undefined && { max_tokens: number('--max-tokens', options.maxTokens) }),
    ...(options.temperature !== undefined && { temperature: number('--temperature', options.temperature) }),
  }
}

async function askedFor({ stdin, out }: CommandContext): Promise<string> {
  if (stdin.isTTY) out.say('type your prompt; Ctrl-D ends it')
  return readAll(stdin, promptBytesMax)
}

/** Prints the answer as it comes, or as JSON at the end. A stream without its end is an error, however much it said. */
async function show({ out, signal }: CommandContext, response: Response): Promise<void> {
  let text = ''
  let last: Delta = {}
  let isWhole = false
  try {
    for await (const { bytes } of readEvents(response.body ?? new ReadableStream())) {
      const { data } = decodeEvent(bytes)
      if (data === '[DONE]') isWhole = true
      if (data === undefined || data === '[DONE]') continue
      const delta = read(data)
      last = { ...last, ...delta }
      text += delta.text ?? ''
      if (!out.isJson) process.stdout.write(printable(delta.text ?? ''))
    }
  } catch (cause) {
    throw ParleyError.from(cause, signal, 'stream_cut')
  } finally {
    if (!out.isJson && text !== '') process.stdout.write('\n')
  }
  if (!isWhole) throw new ParleyError('stream_cut', 'the answer stopped before its end; what arrived is incomplete')
  const { model, finishReason, usage } = last
  if (out.isJson) out.answer({ model, text, finishReason, usage }, () => '')
}

interface Delta {
  text?: string
  model?: string
  finishReason?: string
  usage?: unknown
}

interface ChunkBody {
  model?: string
  usage?: unknown
  error?: unknown
  choices?: { delta?: { content?: string | null }; finish_reason?: string | null }[]
}

function read(data: string): Delta {
  const body = JSON.parse(data) as ChunkBody
  if (body.error !== undefined) throw ParleyError.fromBody(body)
  const choice = body.choices?.[0]
  return {
    ...(choice?.delta?.content && { text: choice.delta.content }),
    ...(choice?.finish_reason && { finishReason: choice.finish_reason }),
    ...(body.model !== undefined && { model: body.model }),
    ...(body.usage != null && { usage: body.usage }),
  }
}

/** Line ends and tabs pass; nothing else of a model's text may command the terminal. */
function printable(text: string): string {
  return process.stdout.isTTY
    ? text
        .split(/(\n|\t)/)
        .map(part => (/^[\n\t]$/.test(part) ? part : clean(part)))
        .join('')
    : text
}

function number(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new ParleyError('usage', `${flag} wants a number, not '${text.slice(0, 40)}'`)
}
