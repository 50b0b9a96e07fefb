import type { Call, Outcome, Reply } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk } from '../openai/index.ts'
import type { CandidateFacts } from './candidate.ts'
import { mayGoOnAfter } from './failures.ts'
import { createJoint, type Joint } from './joint.ts'
import { added, costOf, createMeter, dollarsOf, elsewhereOf, noTally, summed, type Tally, tokensOf } from './tally.ts'

/** An answer that may be told by several, one after the other, as if it were one. */
export interface Continuation {
  /** Why the first of them broke off; undefined while none did. */
  readonly broken: ParleyError | undefined
  /** What tellers that broke off took, by their prices; undefined when they were free. */
  readonly cost: bigint | undefined
  /**
   * Whether another can go on after this failure: what was said is plain text that has not come to its end, and the app's
   * limit of tokens leaves room for more.
   */
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
  let asked = call
  return {
    get broken() {
      return broken
    },
    get cost() {
      return story.cost
    },
    canGoOn: error => {
      if (!mayGoOnAfter(error) || !hasRest(story) || tokensLeft(call, story).some(left => left <= 0)) return false
      broken ??= error
      return true
    },
    callFor: next => {
      asked = story.text === '' ? next : askedOn(next, story)
      return asked
    },
    following: (reply, candidate) => tell(asked, reply, story, candidate),
  }
}

/** What was told so far, by all tellers. */
interface Story {
  text: string
  /** Tokens of it, as the app's limit counts them; a guess where nobody counted. */
  tokens: number
  isPlain: boolean
  isFinished: boolean
  head: Record<string, unknown> | undefined
  /** What tellers that broke off took, also for what nobody saw. */
  taken: Tally
  cost: bigint | undefined
  dollars: bigint
}

function newStory(): Story {
  const nothing = { taken: noTally, cost: undefined, dollars: 0n }
  return { text: '', tokens: 0, isPlain: true, isFinished: false, head: undefined, ...nothing }
}

/** Nothing to go on with stands where half a sign was said: the other half would be no text. */
function hasRest({ text, isPlain, isFinished }: Story): boolean {
  return isPlain && !isFinished && text !== '' && text.isWellFormed()
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

const limits = ['max_tokens', 'max_completion_tokens'] as const

function limitsOf({ body }: Call): [name: string, limit: number][] {
  const fields = body as Readonly<Record<string, unknown>>
  return limits.flatMap(name => {
    const limit = fields[name]
    return typeof limit === 'number' ? [[name, limit]] : []
  })
}

function tokensLeft(call: Call, { tokens }: Story): number[] {
  return limitsOf(call).map(([, limit]) => limit - tokens)
}

/** The text so far goes as the beginning of the answer; what it took of the allowed tokens is gone. */
function askedOn(call: Call, { text, tokens }: Story): Call {
  const { task, body } = call
  const fields = body as Readonly<Record<string, unknown>>
  const left = Object.fromEntries(limitsOf(call).map(([name, limit]) => [name, Math.max(1, limit - tokens)]))
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

async function* tell(call: Call, reply: Reply, story: Story, candidate: CandidateFacts): Reply {
  const before = { ...story }
  const joint = story.text === '' ? undefined : createJoint(story.text)
  const meter = createMeter(call)
  let isBroken = true
  let last: Chunk | undefined
  try {
    for (;;) {
      const step = await reply.next()
      if (step.done === true) {
        const rest = last && joint && withheld(last, story, joint, candidate)
        if (rest !== undefined) yield rest
        isBroken = false
        return joint === undefined ? step.value : summedOutcome(step.value, before)
      }
      for (const part of step.value.parts()) {
        const [choice] = pieceOf(part).choices ?? []
        meter.add(part, textOf(choice))
        if (choice !== undefined) last = part
        const chunk = joint === undefined ? part : continued(part, story, before, joint, candidate)
        if (chunk === undefined) continue
        note(part, chunk, story)
        yield chunk
      }
    }
  } finally {
    if (isBroken) book(meter.tally, candidate, story)
    await reply.return(undefined as never)
  }
}

function book(tally: Tally | undefined, candidate: CandidateFacts, story: Story): void {
  if (tally === undefined) return
  story.taken = added(story.taken, tally)
  const cost = costOf(tally, candidate)
  if (cost > 0n) story.cost = cost + (story.cost ?? 0n)
  story.dollars += dollarsOf(tally, candidate.dollars)
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

/** Remembers what reached the app. */
function note(source: Chunk, shown: Chunk, story: Story): void {
  if (source.event !== undefined) return
  const { choices = [], ...head } = pieceOf(shown) as Piece & Record<string, unknown>
  const [choice] = choices
  story.head ??= { id: head.id, created: head.created, model: head.model }
  const text = textOf(choice)
  story.text += text
  story.tokens += tokensOf(source, text)
  story.isFinished ||= choice?.finish_reason != null
  const others = Object.entries(choice?.delta ?? {}).filter(([name]) => name !== 'role' && name !== 'content')
  const isMore = others.some(([, value]) => value != null && value !== '' && !(Array.isArray(value) && !hasAny(value)))
  if (choices.length > 1 || isMore || story.text.length > textMax) story.isPlain = false
}

/** A chunk of a later teller as the app may see it; undefined where it has nothing new. */
function continued(
  chunk: Chunk,
  { head }: Story,
  { taken }: Story,
  joint: Joint,
  candidate: CandidateFacts,
): Chunk | undefined {
  const { choices = [], ...rest } = pieceOf(chunk) as Piece & Record<string, unknown>
  const [choice] = choices
  const isLast = choice?.finish_reason != null
  const text = `${joint.push(textOf(choice))}${isLast ? joint.end() : ''}`
  refuseDoubtful(joint, candidate)
  const usage = chunk.usage()
  if (text === '' && !isLast && usage === undefined) return undefined
  const body = {
    ...{ ...rest, ...head, choices: choice === undefined ? [] : [{ ...choice, ...saying(choice, text) }] },
    ...(usage !== undefined && { usage: summed(usage, taken) }),
  }
  return Chunk.of(body, chunk.meta)
}

/** What the joint kept back of an answer that ended without a reason to finish, in the form of its last piece. */
function withheld(last: Chunk, story: Story, joint: Joint, candidate: CandidateFacts): Chunk | undefined {
  const text = joint.end()
  refuseDoubtful(joint, candidate)
  if (text === '') return undefined
  const { choices = [], usage: _, ...rest } = pieceOf(last) as Piece & Record<string, unknown>
  return Chunk.of({ ...rest, ...story.head, choices: [{ ...choices[0], ...saying(choices[0]!, text) }] })
}

/** To say a word twice, to lose one, or to call an answer whole that is not would be worse than to break off. */
function refuseDoubtful({ isDoubtful }: Joint, { name }: CandidateFacts): void {
  if (!isDoubtful) return
  throw new ParleyError('unsupported', `${name} does not go on where the answer broke off; ask again for all of it`)
}

function saying({ delta }: NonNullable<Piece['choices']>[number], text: string): Record<string, unknown> {
  return delta == null ? { text } : { delta: text === '' ? {} : { content: text } }
}

function summedOutcome(outcome: Outcome, { taken, cost: spent, dollars }: Story): Outcome {
  const cost = spent === undefined ? outcome.cost : spent + (outcome.cost ?? 0n)
  const elsewhere = elsewhereOf(outcome.elsewhere, { tokensIn: taken.prompt, tokensOut: taken.output, dollars })
  return {
    ...outcome,
    usage: summed(outcome.usage, taken),
    ...(cost !== undefined && { cost }),
    ...(elsewhere !== undefined && { elsewhere }),
  }
}
