import { useEffect, useState } from 'react'
import { region } from '../../parts/format.ts'

const second = 1
const minute = 60
const hour = 3_600
const day = 86_400

/** 7 days, 3 hours, 40 seconds: how long something takes. */
export function span(seconds: number): string {
  const [unit, size] =
    seconds >= 2 * day
      ? (['day', day] as const)
      : seconds >= 2 * hour
        ? (['hour', hour] as const)
        : seconds >= 2 * minute
          ? (['minute', minute] as const)
          : (['second', second] as const)
  const count = Math.max(0, Math.round(seconds / size))
  return new Intl.NumberFormat(region(), { style: 'unit', unit, unitDisplay: 'long' }).format(count)
}

/** Day and minute, which is as exact as a deadline of a chain is. */
export function moment(time: string | number): string {
  return new Intl.DateTimeFormat(region(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time))
}

/** The time, told again so often. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
