import { constants } from 'node:os'
import { type Clock, ParleyError } from '../core/index.ts'

/** Aborted by the first SIGINT, SIGTERM or SIGHUP. The second ends the process at once. */
export function interruptSignal(clock: Clock, say: (text: string) => void): AbortSignal {
  const controller = new AbortController()
  let firstAt = 0
  const onSignal = (name: keyof typeof constants.signals) => {
    if (!controller.signal.aborted) {
      firstAt = clock.monotonic()
      if (name === 'SIGINT' && process.stderr.isTTY) say('\nstopping; press Ctrl-C again to stop now')
      controller.abort(new ParleyError('cancelled', `stopped by ${name}`))
    } else if (clock.monotonic() - firstAt > echoMs) {
      process.exit(128 + constants.signals[name])
    }
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => onSignal(name))
  return controller.signal
}

/** npm and timeout(1) pass on a signal the terminal or the process group has delivered already: one stop, not two. */
const echoMs = 250
