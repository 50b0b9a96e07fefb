import { useCallback, useRef } from 'react'

/** A function that stays the same and gives the newest value. */
export function useLatest<T>(value: T): () => T {
  const latest = useRef(value)
  latest.current = value
  return useCallback(() => latest.current, [])
}
