import { constants } from 'node:os'
import { type Clock, ParleyError } from '../core/index.ts'

/** What the system tells a command that runs. */
export interface Interrupts {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. The second ends the process at once. */
  readonly signal: AbortSignal
  /** From now on SIGHUP is no end but calls this, unless it says that a terminal has gone away. */
  readonly onHangup: (act: () => void) => void
}

export function listenForInterrupts(clock: Clock, say: (text: string) => void): Interrupts {
  const controller = new AbortController()
  let hangUp: (() => void) | undefined
  let firstAt = 0
  const onSignal = (name: keyof typeof constants.signals) => {
    const isAsked = name === 'SIGHUP' && hangUp !== undefined && !process.stdin.isTTY
    if (isAsked && !controller.signal.aborted) return hangUp?.()
    if (!controller.signal.aborted) {
      firstAt = clock.monotonic()
      if (name === 'SIGINT' && process.stderr.isTTY) say('\nstopping; press Ctrl-C again to stop now')
      controller.abort(new ParleyError('cancelled', `stopped by ${name}`))
    } else if (clock.monotonic() - firstAt > echoMs) {
      process.exit(128 + constants.signals[name])
    }
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => onSignal(name))
  return {
    signal: controller.signal,
    onHangup: act => {
      hangUp = act
    },
  }
}

/** npm and timeout(1) pass on a signal the terminal or the process group has delivered already: one stop, not two. */
const echoMs = 250
