import type { Command } from 'commander'
import { ParleyError } from '../../core/index.ts'
import { ApiError, type ChatEnd, type Connection, streamChat } from '../../openai/index.ts'
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
        await show(context, node.connection, body)
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
    ...(options.maxTokens !== undefined && { max_tokens: number('--max-tokens', options.maxTokens) }),
    ...(options.temperature !== undefined && { temperature: number('--temperature', options.temperature) }),
  }
}

async function askedFor({ stdin, out }: CommandContext): Promise<string> {
  if (stdin.isTTY) out.say('type your prompt; Ctrl-D ends it')
  return readAll(stdin, promptBytesMax)
}

/** Above every bound of the node, which tells what was late. */
const idleMs = 900_000

/** Prints the answer as it comes, or as JSON at the end. A stream without its end is an error, however much it said. */
async function show({ out, signal }: CommandContext, connection: Connection, body: object): Promise<void> {
  let text = ''
  let end: ChatEnd
  try {
    const stream = streamChat(connection, body, { signal, idleMs })
    let step = await stream.next()
    for (; step.done !== true; step = await stream.next()) {
      if (step.value.type !== 'text') continue
      text += step.value.text
      if (!out.isJson) process.stdout.write(printable(step.value.text))
    }
    end = step.value
  } catch (cause) {
    throw failure(cause, signal)
  } finally {
    if (!out.isJson && text !== '') process.stdout.write('\n')
  }
  const { servedModel: model, finishReason } = end
  if (out.isJson) out.answer({ model, text, finishReason, usage: usageShown(end) }, () => '')
}

/** What the node says went wrong, by its code. */
function failure(cause: unknown, signal: AbortSignal): ParleyError {
  if (signal.aborted || !(cause instanceof ApiError)) return ParleyError.from(cause, signal, 'stream_cut')
  const { code, message, param, details } = cause
  if (code === 'unreachable')
    return new ParleyError('not_found', `${message}; start a node with \`parley up\``, { cause })
  return ParleyError.fromBody({ error: { code, message, param, details } })
}

function usageShown({ usage }: ChatEnd) {
  if (usage === undefined) return undefined
  const { prompt, completion, cached } = usage
  return {
    ...{ prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
    ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
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
