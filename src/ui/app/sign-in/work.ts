import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type Answer, ApiError } from '../../client/api.ts'
import { enter } from '../../client/session.ts'

/** One thing at a time that may fail; what went wrong stays until the next try. */
export function useWork() {
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const run = async (work: () => Promise<unknown>) => {
    setIsBusy(true)
    setError(undefined)
    try {
      await work()
    } catch (cause) {
      setError(cause)
    } finally {
      setIsBusy(false)
    }
  }
  return { isBusy, error, run }
}

/** Goes in. Nothing is kept of what somebody else has read here before. */
export function useEnter(): (pass: Answer<'POST /auth/login'>) => Promise<void> {
  const queries = useQueryClient()
  return async pass => {
    queries.clear()
    if (!(await enter(pass))) throw new ApiError('unreachable', 'the node cannot be reached; see whether it runs')
  }
}

/** Which code is missing, where the password was right. */
export function neededCode(error: unknown): 'totp' | 'mail_code' | undefined {
  if (!(error instanceof ApiError)) return undefined
  const { needs } = (error.details ?? {}) as { needs?: unknown }
  return needs === 'totp' || needs === 'mail_code' ? needs : undefined
}
