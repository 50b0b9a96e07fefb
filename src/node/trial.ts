import { type Backend, type Clock, ParleyError, type Random, type TokenCall, type Trial } from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'

export interface TrialOptions {
  readonly clock: Clock
  readonly random: Random
  readonly totalMs: number
}

/** Of an answer no more than this is shown. */
const shownTextMax = 10_000

/** Asks one backend once, beside everything that counts or remembers. */
export async function tryOne(
  backend: Backend,
  call: TokenCall,
  caller: AbortSignal,
  { clock, random, totalMs }: TrialOptions,
): Promise<Trial> {
  const startedAt = clock.monotonic()
  const elapsed = () => clock.monotonic() - startedAt
  const signal = AbortSignal.any([caller, AbortSignal.timeout(totalMs)])
  const said = { text: '', model: call.body.model }
  let firstChunkMs: number | undefined
  const context = { id: random.uuid(), signal, principal: { kind: 'self', id: 'trial' } as const, headers: {} }
  const reply = backend.run(call, context)
  try {
    for (;;) {
      const step = await reply.next()
      if (step.done === true) {
        const ms = elapsed()
        return { ok: true, ms, firstChunkMs: firstChunkMs ?? ms, ...said, usage: step.value.usage }
      }
      firstChunkMs ??= elapsed()
      hear(step.value, said)
    }
  } catch (cause) {
    return { ok: false, ms: elapsed(), error: ParleyError.from(cause, signal) }
  } finally {
    await reply.return(undefined as never)
  }
}

interface Event {
  readonly model?: unknown
  readonly choices?: readonly { readonly delta?: { readonly content?: unknown }; readonly text?: unknown }[]
}

function hear(chunk: Chunk, said: { text: string; model: string }): void {
  if (chunk.isRaw || chunk.event !== undefined || chunk.data === undefined || chunk.data === '[DONE]') return
  const { model, choices } = chunk.json() as Event
  if (typeof model === 'string') said.model = model
  const [choice] = choices ?? []
  const word = choice?.delta?.content ?? choice?.text
  if (typeof word === 'string') said.text = (said.text + word).slice(0, shownTextMax)
}
