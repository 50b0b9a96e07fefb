import type { Hit } from '../faulty-upstream.ts'

/** What an app saw of one answer, as it came (but for line ends, which are all LF here) and as it means. */
export interface Heard {
  readonly id: string
  readonly status: number
  readonly headers: Headers
  readonly raw: string
  /** The words, of a stream or of one body. */
  readonly text: string
  readonly error: { readonly code: unknown; readonly message: string } | undefined
  readonly usage: Record<string, unknown> | undefined
  /** Whether the end mark stood at the end of the stream. */
  readonly isDone: boolean
}

export interface Asking {
  readonly url: string
  readonly key: string
  readonly body: Record<string, unknown>
  readonly signal?: AbortSignal
}

/** Stands in every prompt, and may stand nowhere else. */
export const secretWord = 'quokka74'

let named = 0

/** Asks like an app would; the prompt names the call, so that its requests to the upstreams can be told from others. */
export async function ask({ url, key, body, signal }: Asking, id = newId()): Promise<Heard> {
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, 'x-request-id': id },
    body: JSON.stringify({ messages: [{ role: 'user', content: promptOf(id) }], ...body }),
    ...(signal && { signal }),
  })
  return heard(id, response, (await response.text()).replaceAll('\r\n', '\n'))
}

export function newId(): string {
  return `fault-${String(++named).padStart(6, '0')}`
}

export function promptOf(id: string): string {
  return `${secretWord} ${id}`
}

/** The requests of a call, as an upstream got them. */
export function hitsOf(hits: readonly Hit[], { id }: { readonly id: string }): Hit[] {
  return hits.filter(({ raw }) => raw.includes(promptOf(id)))
}

interface Body {
  choices?: { delta?: { content?: string }; message?: { content?: string } }[]
  error?: Heard['error']
  usage?: Record<string, unknown> | null
}

function heard(id: string, response: Response, raw: string): Heard {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  const isDone = raw.endsWith('data: [DONE]\n\n')
  const events = isStream ? raw.split('\n\n').filter(event => event.startsWith('data: {')) : [`data: ${raw}`]
  const bodies = events.map(event => JSON.parse(event.slice('data: '.length)) as Body)
  const wordsOf = ({ choices }: Body) => choices?.[0]?.delta?.content ?? choices?.[0]?.message?.content ?? ''
  return {
    ...{ id, status: response.status, headers: response.headers, raw, isDone },
    text: bodies.map(wordsOf).join(''),
    error: bodies.findLast(({ error }) => error != null)?.error,
    usage: bodies.findLast(({ usage }) => usage != null)?.usage ?? undefined,
  }
}

/** Everything, `atOnce` of them at a time, in the order of the results. */
export async function inTurn<T, R>(all: readonly T[], atOnce: number, of: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    for (let index = next++; index < all.length; index = next++) results[index] = await of(all[index]!)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}
