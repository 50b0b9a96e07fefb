import { type Clock, ParleyError } from '../../core/index.ts'
import { engineFailure } from './failure.ts'
import type { Generation } from './generation.ts'
import type { EngineContext, EngineSampler } from './native.ts'
import { Slot } from './slot.ts'

export interface SchedulerOptions {
  readonly context: EngineContext
  readonly sequences: number
  /** Calls that may wait for a sequence beyond those that run. */
  readonly waitingMax: number
  readonly clock: Clock
  readonly createSampler: (generation: Generation) => EngineSampler
  /** Runs a batch; the place where batches of several models are kept apart when the device needs it. */
  readonly exclusively: (work: () => Promise<void>) => Promise<void>
}

/** A batch should not take longer than this, so that others and aborts get their turn. */
const batchTargetMs = 80
const smallestPrefill = 16

/**
 * One loop advances all running sequences together: the next token of each, and slices of the prompts that are still being
 * read, go into one batch; it is computed on the engine's threads, each sequence samples, each answer is told. Nobody waits
 * for a long prompt or a slow reader of somebody else.
 */
export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #slots: Slot[]
  #waiting: Generation[] = []
  #calls = 0
  #recentCallMs = 1_000
  #prefillTokensPerMs = 1
  #running: Promise<void> | undefined
  #stopped: ParleyError | undefined

  constructor(options: SchedulerOptions) {
    this.#options = options
    const ids = Array.from({ length: options.sequences }, (_, id) => id)
    this.#slots = ids.map(id => new Slot(id, options.context._ctx))
  }

  /** Takes the answers of one call, or throws `overloaded`. Call the returned function when the call is over, however it went. */
  submit(generations: readonly Generation[]): () => void {
    if (this.#stopped !== undefined) throw this.#stopped
    const { sequences, waitingMax, clock } = this.#options
    if (this.#calls >= sequences + waitingMax) throw this.#overloaded()
    this.#calls += 1
    this.#waiting.push(...generations)
    this.advance()
    const startedAt = clock.monotonic()
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#calls -= 1
      this.#recentCallMs = 0.8 * this.#recentCallMs + 0.2 * (clock.monotonic() - startedAt)
      const over = new ParleyError('cancelled', 'the caller went away')
      for (const generation of generations) generation.fail(over)
      this.advance()
    }
  }

  /** Sets the loop going if there is something to do: after a reader made room, or left. */
  advance(): void {
    this.#running ??= this.#loop()
  }

  /** Ends every answer with `stopping` and waits until the engine is idle. */
  async stop(): Promise<void> {
    const stopping = new ParleyError('stopping', 'the node is shutting down')
    this.#stopped = stopping
    for (const generation of this.#waiting) generation.fail(stopping)
    for (const slot of this.#slots) slot.generation?.fail(stopping)
    this.#waiting = []
    await this.#running
    this.#sweep()
  }

  async #loop(): Promise<void> {
    // A turn of the event loop first: what arrives together starts together.
    await new Promise<void>(resolve => setImmediate(resolve))
    for (;;) {
      this.#sweep()
      this.#assign()
      const ready = this.#slots.filter(slot => slot.isReady)
      if (ready.length === 0) {
        this.#running = undefined
        return
      }
      try {
        await this.#options.exclusively(() => this.#step(ready))
      } catch (cause) {
        this.#fail(ready, cause)
      }
    }
  }

  /** Frees what is over. */
  #sweep(): void {
    for (const slot of this.#slots) if (slot.generation?.isDone) slot.free()
    if (this.#waiting.some(generation => generation.isDone)) {
      this.#waiting = this.#waiting.filter(generation => !generation.isDone)
    }
  }

  /** Gives free sequences to waiting answers: first to owners who hold the fewest. */
  #assign(): void {
    while (this.#waiting.length > 0) {
      const free = this.#slots.filter(slot => slot.generation === undefined)
      if (free.length === 0) return
      const next = this.#nextWaiting()
      const slot = free.reduce((best, other) => (fits(next, other) > fits(next, best) ? other : best))
      try {
        slot.take(next, this.#options.createSampler(next))
      } catch (cause) {
        next.fail(engineFailure(cause))
      }
    }
  }

  #nextWaiting(): Generation {
    const held = (owner: string) => this.#slots.filter(slot => slot.generation?.request.owner === owner).length
    const next = this.#waiting.reduce((best, other) =>
      held(other.request.owner) < held(best.request.owner) ? other : best,
    )
    this.#waiting.splice(this.#waiting.indexOf(next), 1)
    return next
  }

  async #step(ready: readonly Slot[]): Promise<void> {
    const decoder = this.#options.context._ctx
    const { clock } = this.#options
    const shares = this.#shares(ready)
    const total = shares.reduce((sum, share) => sum + share, 0)
    decoder.initBatch(total)
    const logits = ready.map((slot, index) => (shares[index] ? slot.addTo(shares[index]) : undefined))
    const startedAt = clock.monotonic()
    await decoder.decodeBatch()
    this.#measure(total, ready.length, clock.monotonic() - startedAt)
    const sampled = ready.map((slot, index) => {
      const at = logits[index]
      return at === undefined || slot.generation?.isDone ? undefined : decoder.sampleToken(at, slot.sampler!)
    })
    for (const [index, token] of (await Promise.all(sampled)).entries()) {
      const slot = ready[index]!
      if (token === undefined || slot.generation?.isDone) continue
      if (token === -1)
        slot.generation?.fail(new ParleyError('model_failed', 'the model could not choose a next token'))
      else slot.accept(token)
    }
  }

  /** How many tokens of each go into the next batch: one for each that answers, the rest of the room among the prompts. */
  #shares(ready: readonly Slot[]): number[] {
    const reading = ready.filter(slot => slot.waiting > 1).length
    const room = this.#options.context.batchSize - (ready.length - reading)
    const affordable = Math.max(smallestPrefill * reading, Math.round(this.#prefillTokensPerMs * batchTargetMs))
    const each = reading === 0 ? 0 : Math.max(1, Math.floor(Math.min(room, affordable) / reading))
    return ready.map(slot => (slot.waiting > 1 ? Math.min(slot.waiting, each) : 1))
  }

  /** Learns from batches that were mostly prompt how many tokens fit into the target. */
  #measure(tokens: number, slots: number, elapsedMs: number): void {
    if (tokens < 4 * slots || elapsedMs <= 0) return
    this.#prefillTokensPerMs = 0.5 * this.#prefillTokensPerMs + 0.5 * (tokens / elapsedMs)
  }

  /** A batch that failed takes its answers with it and leaves the rest and the model alone. */
  #fail(ready: readonly Slot[], cause: unknown): void {
    const error = engineFailure(cause)
    for (const slot of ready) {
      slot.generation?.fail(error)
      slot.free()
      slot.forget()
    }
  }

  #overloaded(): ParleyError {
    const { sequences } = this.#options
    const ahead = this.#calls - sequences + 1
    const seconds = Math.ceil((ahead / sequences) * (this.#recentCallMs / 1_000))
    const message = `${this.#calls} calls run or wait, more do not fit; try again later or another provider`
    return new ParleyError('overloaded', message, { retryAfterSeconds: Math.min(60, Math.max(1, seconds)) })
  }
}

/** Prefers the longest shared beginning, then the sequence that loses least. */
function fits(generation: Generation, slot: Slot): number {
  return slot.sharedPrefix(generation) - slot.cachedLength / 1e9
}

/** Lets one piece of work run at a time, in order. */
export function createLock(): (work: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve()
  return work => {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }
}
