import { useEffect, useState } from 'react'

/** How often pages ask again; nothing is asked while a tab is not looked at. */
export const quickMs = 5_000
export const calmMs = 15_000

const minuteMs = 60_000

/** The time, told anew every `everyMs` while somebody looks, and rounded down to that. */
export function useNow(everyMs = minuteMs): number {
  const round = () => Math.floor(Date.now() / everyMs) * everyMs
  const [now, setNow] = useState(round)
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Math.floor(Date.now() / everyMs) * everyMs), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
