import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Message } from '../storage/documents.ts'

/** Of an answer so much is read out when it is whole. */
const saidMax = 1_000

/** Reads an answer out to those who do not see it: once, when it is whole. */
export function Announcer({ path, isRunning }: { path: readonly Message[]; isRunning: boolean }) {
  const { t } = useTranslation()
  const [said, setSaid] = useState('')
  const wasRunning = useRef(isRunning)
  useEffect(() => {
    const hasEnded = wasRunning.current && !isRunning
    wasRunning.current = isRunning
    if (isRunning) setSaid('')
    if (!hasEnded) return
    const last = path.at(-1)
    if (last?.role !== 'assistant') return
    const text = last.text.slice(0, saidMax)
    setSaid(last.state === 'done' ? t('chat.message.answered', { text }) : t('chat.message.notAnswered', { text }))
  }, [path, isRunning, t])
  return (
    <p aria-live="polite" className="sr-only">
      {said}
    </p>
  )
}
