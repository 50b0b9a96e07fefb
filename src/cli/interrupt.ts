import { constants } from 'node:os'
import { ParleyError } from '../core/index.ts'

/** Aborted by the first SIGINT, SIGTERM or SIGHUP. The second ends the process at once. */
export function interruptSignal(say: (text: string) => void): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + constants.signals[name])
      if (name === 'SIGINT' && process.stderr.isTTY) say('\nstopping; press Ctrl-C again to stop now')
      controller.abort(new ParleyError('cancelled', `stopped by ${name}`))
    })
  }
  return controller.signal
}
