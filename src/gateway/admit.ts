import type { Filter, Principal } from '../core/index.ts'
import { filter, ParleyError, principalName } from '../core/index.ts'

export interface AdmissionOptions {
  /** Calls that may run at once, in all and for one principal. */
  maxRunning: number
  maxRunningPerPrincipal: number
}

/**
 * Counts running calls; a node that stops lets them finish and takes no new ones. Whoever has its whole answer may call
 * again: what its last call still has to book counts for the stop alone.
 */
export interface Admission {
  readonly running: number
  /** Whether it has begun to drain. */
  readonly isStopping: boolean
  readonly admit: Filter
  /** Counts work that is no call to a model, until the function it returns is called. */
  readonly enter: (principal: Principal) => () => void
  /** Refuses new calls with `stopping` and resolves when the running ones are over, or the signal is aborted. */
  drain: (signal: AbortSignal) => Promise<void>
}

export function createAdmission(options: AdmissionOptions): Admission {
  const perPrincipal = new Map<string, number>()
  const idle = Promise.withResolvers<void>()
  let running = 0
  let open = 0
  let isStopping = false

  const enter = (principal: string) => {
    const own = perPrincipal.get(principal) ?? 0
    if (isStopping) throw stopping()
    if (running >= options.maxRunning) throw full(`${running} calls are running; try again soon`)
    if (own >= options.maxRunningPerPrincipal)
      throw full(`${own} calls of this caller are running; wait for one to end`)
    perPrincipal.set(principal, own + 1)
    running++
    open++
  }
  const leave = (principal: string) => {
    const own = perPrincipal.get(principal) ?? 0
    if (own <= 1) perPrincipal.delete(principal)
    else perPrincipal.set(principal, own - 1)
    running--
  }
  const close = () => {
    open--
    if (isStopping && open === 0) idle.resolve()
  }
  return {
    get running() {
      return running
    },
    get isStopping() {
      return isStopping
    },
    enter: who => {
      const principal = principalName(who)
      enter(principal)
      return () => {
        leave(principal)
        close()
      }
    },
    admit: filter(async function* (inner, call, context) {
      const principal = principalName(context.principal)
      enter(principal)
      let isRunning = true
      const finish = () => {
        if (isRunning) leave(principal)
        isRunning = false
      }
      const reply = inner.run(call, context)
      try {
        for (let step = await reply.next(); ; step = await reply.next()) {
          if (step.done === true) return step.value
          if (step.value.meta.isLast === true) finish()
          yield step.value
        }
      } finally {
        finish()
        close()
        await reply.return(undefined as never)
      }
    }),
    drain: async signal => {
      isStopping = true
      if (open === 0 || signal.aborted) return
      signal.addEventListener('abort', () => idle.resolve(), { once: true })
      await idle.promise
    },
  }
}

/** Another node behind the same address takes it at once. */
function stopping(): ParleyError {
  const message = 'the node is shutting down; try again when it is back'
  return new ParleyError('stopping', message, { retryAfterSeconds: 1 })
}

function full(message: string): ParleyError {
  return new ParleyError('overloaded', message, { retryAfterSeconds: 1 })
}
