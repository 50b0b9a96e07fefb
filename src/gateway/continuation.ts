import type { Call, Outcome, Reply } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk, type Usage, usageOf } from '../openai/index.ts'
import type { CandidateFacts } from './candidate.ts'
import { createJoint } from './joint.ts'

/** An answer that may be told by several, one after the other, as if it were one. */
export interface Continuation {
  /** Why the first of them broke off; undefined while none did. */
  readonly broken: ParleyError | undefined
  /** What tellers that broke off took, by their prices; undefined when they were free. */
  readonly cost: bigint | undefined
  /** Whether another can go on after this failure: what was said is plain text that has not come to its end. */
  canGoOn: (error: ParleyError) => boolean
  /** The call that asks for the rest. */
  callFor: (call: Call) => Call
  /** The chunks of the next teller: only what is new, under the first one's id. */
  following: (reply: Reply, candidate: CandidateFacts) => Reply
}

const textMax = 1 << 20

/** Undefined for a call whose answer nobody can take up in the middle: tools, several choices, a schema, probabilities. */
export function createContinuation(call: Call): Continuation | undefined {
  if (!isContinuable(call)) return undefined
  const story = newStory()
  let broken: ParleyError | undefined
  return {
    get broken() {
      return broken
    },
    get cost() {
      return story.cost
    },
    canGoOn: error => {
      if (!error.mayRetry || !story.isPlain || story.isFinished || story.text === '') return false
      broken ??= error
      return true
    },
    callFor: asked => (story.text === '' ? asked : askedOn(asked, story)),
    following: (reply, candidate) => tell(reply, story, candidate),
  }
}

/** What was told so far, by all tellers. */
interface Story {
  text: string
  isPlain: boolean
  isFinished: boolean
  head: Record<string, unknown> | undefined
  /** Of tellers that broke off: counted here, so an estimate where they counted themselves only at the end. */
  promptTokens: number
  outputTokens: number
  cost: bigint | undefined
}

function newStory(): Story {
  const counts = { promptTokens: 0, outputTokens: 0, cost: undefined }
  return { text: '', isPlain: true, isFinished: false, head: undefined, ...counts }
}

function isContinuable({ task, body }: Call): boolean {
  if (task !== 'chat' && task !== 'completion') return false
  const fields = body as Readonly<Record<string, unknown>>
  const isSimple = Number(fields.n ?? 1) === 1 && Number(fields.best_of ?? 1) === 1
  const isCounted = Boolean(fields.logprobs ?? false) || fields.logprobs === 0 || fields.echo === true
  const format = (fields.response_format as { type?: unknown } | null | undefined)?.type ?? 'text'
  if (!isSimple || isCounted || format !== 'text' || fields.suffix != null || fields.audio != null) return false
  if (task === 'completion') return textOfPrompt(fields.prompt) !== undefined
  return !hasAny(fields.tools) && !hasAny(fields.functions)
}

function hasAny(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0
}

function textOfPrompt(prompt: unknown): string | undefined {
  const alone = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt
  return typeof alone === 'string' ? alone : undefined
}

/** The text so far goes as the beginning of the answer; what it took of the allowed tokens is gone. */
function askedOn({ task, body }: Call, { text, outputTokens }: Story): Call {
  const fields = body as Readonly<Record<string, unknown>>
  const left = Object.fromEntries(
    ['max_tokens', 'max_completion_tokens'].flatMap(name => {
      const limit = fields[name]
      return typeof limit === 'number' ? [[name, Math.max(1, limit - outputTokens)]] : []
    }),
  )
  if (task === 'completion')
    return { task, body: { ...body, ...left, prompt: `${textOfPrompt(fields.prompt)}${text}` } }
  const messages = fields.messages as { role: string; content?: unknown }[]
  const last = messages.at(-1)
  const isBegun = last?.role === 'assistant' && typeof last.content === 'string'
  const answer = { ...(isBegun && last), role: 'assistant', content: `${isBegun ? last.content : ''}${text}` }
  return {
    task,
    body: { ...body, ...left, messages: [...(isBegun ? messages.slice(0, -1) : messages), answer] },
  } as Call
}

async function* tell(reply: Reply, story: Story, candidate: CandidateFacts): Reply {
  const joint = story.text === '' ? undefined : createJoint(story.text)
  const before = { ...story }
  const own = { promptTokens: 0, outputTokens: 0 }
  try {
    for (;;) {
      const step = await reply.next()
      if (step.done === true) {
        Object.assign(own, { promptTokens: 0, outputTokens: 0 })
        return joint === undefined ? step.value : summedOutcome(step.value, before)
      }
      count(step.value, own)
      const chunk = joint === undefined ? step.value : continued(step.value, story, before, joint)
      note(step.value, chunk, story)
      if (chunk !== undefined) yield chunk
    }
  } finally {
    story.promptTokens += own.promptTokens
    story.outputTokens += own.outputTokens
    story.cost = costOf(own, candidate, story.cost)
    await reply.return(undefined as never)
  }
}

interface Piece {
  readonly choices?: readonly {
    readonly delta?: Readonly<Record<string, unknown>> | null
    readonly text?: unknown
    readonly finish_reason?: unknown
  }[]
}

function pieceOf(chunk: Chunk): Piece {
  try {
    return (chunk.json() ?? {}) as Piece
  } catch (cause) {
    throw new ParleyError('backend_failed', 'the provider sent a chunk that is not JSON', { cause })
  }
}

function textOf(choice: NonNullable<Piece['choices']>[number] | undefined): string {
  const text = choice?.delta?.content ?? choice?.text
  return typeof text === 'string' ? text : ''
}

function count(chunk: Chunk, own: { promptTokens: number; outputTokens: number }): void {
  const usage = chunk.usage()
  own.promptTokens = usage?.prompt_tokens ?? chunk.meta.promptTokens ?? own.promptTokens
  const said = chunk.meta.outputTokens ?? (textOf(pieceOf(chunk).choices?.[0]) === '' ? 0 : 1)
  own.outputTokens = usage?.completion_tokens ?? own.outputTokens + said
}

/** Remembers what reached the app. */
function note(source: Chunk, shown: Chunk | undefined, story: Story): void {
  if (shown === undefined || source.event !== undefined) return
  const { choices = [], ...head } = pieceOf(shown) as Piece & Record<string, unknown>
  const [choice] = choices
  story.head ??= { id: head.id, created: head.created, model: head.model }
  story.text += textOf(choice)
  story.isFinished ||= choice?.finish_reason != null
  const others = Object.entries(choice?.delta ?? {}).filter(([name]) => name !== 'role' && name !== 'content')
  const isMore = others.some(([, value]) => value != null && value !== '' && !(Array.isArray(value) && !hasAny(value)))
  if (choices.length > 1 || isMore || story.text.length > textMax) story.isPlain = false
}

/** A chunk of a later teller as the app may see it; undefined where it has nothing new. */
function continued(
  chunk: Chunk,
  { head }: Story,
  before: Story,
  joint: ReturnType<typeof createJoint>,
): Chunk | undefined {
  const { choices = [], ...rest } = pieceOf(chunk) as Piece & Record<string, unknown>
  const [choice] = choices
  const isLast = choice?.finish_reason != null
  const text = `${joint.push(textOf(choice))}${isLast ? joint.end() : ''}`
  if (joint.isRewording)
    throw new ParleyError('stream_cut', 'the answer broke off, and nobody took it up where it ended')
  const usage = chunk.usage()
  if (text === '' && !isLast && usage === undefined) return undefined
  const body = {
    ...{ ...rest, ...head, choices: choice === undefined ? [] : [{ ...choice, ...saying(choice, text) }] },
    ...(usage !== undefined && { usage: summed(usage, before) }),
  }
  return Chunk.of(body, chunk.meta)
}

function saying({ delta }: NonNullable<Piece['choices']>[number], text: string): Record<string, unknown> {
  return delta == null ? { text } : { delta: text === '' ? {} : { content: text } }
}

function summed(usage: Usage, { promptTokens, outputTokens }: Story): Usage {
  const sum = usageOf(usage.prompt_tokens + promptTokens, usage.completion_tokens + outputTokens)
  return { ...usage, ...sum }
}

function summedOutcome(outcome: Outcome, before: Story): Outcome {
  const cost = before.cost === undefined ? outcome.cost : before.cost + (outcome.cost ?? 0n)
  return { ...outcome, usage: summed(outcome.usage, before), ...(cost !== undefined && { cost }) }
}

/** By its prices: who broke off never told what it took. */
function costOf(
  { promptTokens, outputTokens }: { promptTokens: number; outputTokens: number },
  { priceIn = 0n, priceOut = 0n }: CandidateFacts,
  before: bigint | undefined,
): bigint | undefined {
  const cost = (BigInt(promptTokens) * priceIn + BigInt(outputTokens) * priceOut + 999_999n) / 1_000_000n
  return cost === 0n ? before : cost + (before ?? 0n)
}
