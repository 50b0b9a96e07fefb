import { asRecord, strange, toldError } from './client-error.ts'

/** A piece of an answer. A notice has a code, and what it is about, for those who say it in words of their own. */
export type ChatPiece =
  | { type: 'start'; requestId?: string; provider?: string; headers: Headers }
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'tool'; index: number; id?: string; name?: string; arguments?: string }
  | { type: 'notice'; code: NoticeCode; text: string; about: string }

/** Others failed before, somebody was late, another model answers, it was kept from an earlier call, another one goes on. */
export type NoticeCode = 'failover' | 'overtook' | 'other_model' | 'cached' | 'continued'

/** How an answer ended. Times are in milliseconds from the request on. */
export interface ChatEnd {
  /** `unknown` where a server ends its stream properly without a word on it. */
  finishReason: string
  usage?: { prompt: number; completion: number; cached?: number }
  requestId?: string
  servedModel?: string
  provider?: string
  /** As the server tells it: smallest token units of a node, dollars of most services. */
  cost?: string
  firstMs: number
  totalMs: number
}

/** An answer, told payload by payload. */
export interface Answer {
  /** What the headers say. */
  opening: () => ChatPiece[]
  /** What a payload says. Throws `ApiError` for an error and for what cannot be understood. */
  add: (payload: string) => ChatPiece[]
  readonly isDone: boolean
  /** Whether it was told how it ended. */
  readonly isWhole: boolean
  end: () => Omit<ChatEnd, 'firstMs' | 'totalMs'>
}

type Head = Pick<Response, 'status' | 'headers'>

export function createAnswer(head: Head): Answer {
  const { headers } = head
  const otherModel = headers.get('x-parley-model')
  const facts: Facts = { provider: headers.get('x-parley-provider') ?? undefined }
  let isDone = false
  const add = (payload: string): ChatPiece[] => {
    if (payload.trim() === '[DONE]') {
      isDone = true
      return []
    }
    const body = parsed(payload, head)
    const moved = note(facts, body)
    return [...moved, ...piecesOf(body)]
  }
  return {
    opening: () => [startOf(headers), ...noticesOf(headers)],
    add,
    get isDone() {
      return isDone
    },
    get isWhole() {
      return isDone || facts.finishReason !== undefined
    },
    end: () => {
      const { finishReason = 'unknown', usage, provider, cost, model } = facts
      const requestId = headers.get('x-request-id')
      const servedModel = otherModel ?? model
      return {
        finishReason,
        ...(usage !== undefined && { usage }),
        ...(provider !== undefined && { provider }),
        ...(cost !== undefined && { cost }),
        ...(requestId !== null && { requestId }),
        ...(servedModel !== undefined && { servedModel }),
      }
    },
  }
}

/** An object without an error. */
export function parsed(payload: string, head: Head): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(payload)
  } catch {
    throw strange(head)
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw strange(head)
  if ('error' in body && body.error != null) throw toldError(body, head)
  return body as Record<string, unknown>
}

interface Facts {
  finishReason?: string
  usage?: NonNullable<ChatEnd['usage']>
  model?: string
  provider: string | undefined
  cost?: string
}

/** Keeps what a chunk says beside its words, and tells of another provider that goes on. */
function note(facts: Facts, body: Record<string, unknown>): ChatPiece[] {
  const { finish_reason: reason } = asRecord(choiceOf(body))
  if (isText(reason)) facts.finishReason = reason
  if (isText(body.model)) facts.model = body.model
  noteUsage(facts, asRecord(body.usage))
  const { provider } = body
  if (!isText(provider) || provider === facts.provider) return []
  const before = facts.provider
  facts.provider = provider
  return before === undefined ? [] : [notice('continued', `${provider} goes on`, provider)]
}

function noteUsage(facts: Facts, usage: Record<string, unknown>): void {
  const { prompt_tokens: prompt, completion_tokens: completion = 0, cost } = usage
  const { cached_tokens: cached } = asRecord(usage.prompt_tokens_details)
  if (isCount(prompt) && isCount(completion)) facts.usage = { prompt, completion, ...(isCount(cached) && { cached }) }
  if (isCount(cost) || isText(cost)) facts.cost = String(cost)
}

/** The first choice; a page shows no others. */
function choiceOf({ choices }: Record<string, unknown>): unknown {
  if (!Array.isArray(choices)) return undefined
  return choices.find(choice => (asRecord(choice).index ?? 0) === 0)
}

/** A server that sends its answer in one piece says `message` where others say `delta`. */
function piecesOf(body: Record<string, unknown>): ChatPiece[] {
  const choice = asRecord(choiceOf(body))
  const delta = asRecord(choice.delta ?? choice.message)
  const { text, reasoning } = wordsOf(delta.content)
  const thought = [delta.reasoning_content, delta.reasoning].find(isText) ?? reasoning
  const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls : []
  const refusal = isText(delta.refusal) ? delta.refusal : ''
  return [
    ...(thought === '' ? [] : [{ type: 'reasoning' as const, text: thought }]),
    ...(text + refusal === '' ? [] : [{ type: 'text' as const, text: text + refusal }]),
    ...calls.map((call, at) => toolPiece(asRecord(call), at)),
  ]
}

/** A text, or parts as some services send them: text, and thinking that is a list of texts again. */
function wordsOf(content: unknown): { text: string; reasoning: string } {
  if (typeof content === 'string') return { text: content, reasoning: '' }
  const words = { text: '', reasoning: '' }
  if (!Array.isArray(content)) return words
  for (const part of content.map(asRecord)) {
    if (part.type === 'thinking') words.reasoning += isText(part.thinking) ? part.thinking : wordsOf(part.thinking).text
    else if (isText(part.text)) words.text += part.text
  }
  return words
}

function toolPiece(call: Record<string, unknown>, at: number): ChatPiece {
  const { name, arguments: given } = asRecord(call.function)
  const said = typeof given === 'object' && given !== null ? JSON.stringify(given) : given
  return {
    type: 'tool',
    index: isCount(call.index) ? call.index : at,
    ...(isText(call.id) && { id: call.id }),
    ...(isText(name) && { name }),
    ...(isText(said) && { arguments: said }),
  }
}

function startOf(headers: Headers): ChatPiece {
  const requestId = headers.get('x-request-id')
  const provider = headers.get('x-parley-provider')
  return { type: 'start', ...(requestId !== null && { requestId }), ...(provider !== null && { provider }), headers }
}

/** What a node tells of the way the call took. */
function noticesOf(headers: Headers): ChatPiece[] {
  const [attempts, late, model] = ['x-parley-attempts', 'x-parley-overtook', 'x-parley-model'].map(name =>
    headers.get(name),
  )
  const failed = Number(attempts ?? 0) - 1 - (late == null ? 0 : 1)
  return [
    ...(failed > 0 ? [notice('failover', `${failed} failed before`, String(failed))] : []),
    ...(late == null ? [] : [notice('overtook', `${late} was late`, late)]),
    ...(model == null ? [] : [notice('other_model', `${model} answers`, model)]),
    ...(headers.get('x-parley-cache') === 'HIT' ? [notice('cached', 'answered before', '')] : []),
  ]
}

function notice(code: NoticeCode, text: string, about: string): ChatPiece {
  return { type: 'notice', code, text, about }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
