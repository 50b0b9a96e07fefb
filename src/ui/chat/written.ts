import { useEffect, useState } from 'react'

/** The code of an answer whose page was left while it was written. */
export const pageLeft = 'page_left'

const lookMs = 1_000
const nameOf = (messageId: string) => `parley.answer.${messageId}`

/** Tells other tabs that an answer is being written, until the function it returns is called or this tab is gone. */
export function holdAnswer(messageId: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  void navigator.locks?.request(nameOf(messageId), () => promise).catch(() => undefined)
  return resolve
}

/** Whether another tab is still writing what looks as if nobody did. */
export function useIsWrittenElsewhere(messageId: string, isAsked: boolean): boolean {
  const [isHeld, setIsHeld] = useState(false)
  useEffect(() => {
    if (!isAsked || navigator.locks === undefined) return setIsHeld(false)
    let isGone = false
    const look = async () => {
      const { held = [] } = await navigator.locks.query()
      if (!isGone) setIsHeld(held.some(({ name }) => name === nameOf(messageId)))
    }
    void look()
    const timer = setInterval(() => void look(), lookMs)
    return () => {
      isGone = true
      clearInterval(timer)
    }
  }, [messageId, isAsked])
  return isHeld
}
