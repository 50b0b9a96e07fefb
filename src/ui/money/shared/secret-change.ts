import { useState } from 'react'
import { type Asked, type RouteName, useChange } from '../../client/api.ts'

/** Sends what nobody may keep: when the answer is there, the page has forgotten what was sent. */
export function useSecretChange<R extends RouteName>(route: R, stale: readonly string[]) {
  const change = useChange(route, stale)
  const [error, setError] = useState<Error>()
  const [tries, setTries] = useState(0)
  const send = (asked: Asked<R>, onSuccess?: () => void) => {
    setError(undefined)
    setTries(tries + 1)
    change.mutate(asked, {
      ...(onSuccess !== undefined && { onSuccess }),
      onError: cause => setError(cause instanceof Error ? cause : new Error(String(cause))),
      onSettled: () => change.reset(),
    })
  }
  return { send, isPending: change.isPending, error, tries }
}
