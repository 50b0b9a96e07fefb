import { Check, Copy as CopyIcon } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from './button.tsx'

const shownMs = 1_500

interface CopyProps {
  text: string | (() => string)
  label?: string
  className?: string
}

/** Puts a text into the clipboard and says so. */
export function Copy({ text, label, className }: CopyProps) {
  const { t } = useTranslation()
  const [isDone, setIsDone] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(typeof text === 'string' ? text : text())
    setIsDone(true)
    setTimeout(() => setIsDone(false), shownMs)
  }
  return (
    <IconButton
      label={isDone ? t('common.copied') : (label ?? t('common.copy'))}
      size="sm"
      className={className}
      onClick={() => void copy()}
    >
      {isDone ? <Check aria-hidden className="text-success" /> : <CopyIcon aria-hidden />}
    </IconButton>
  )
}

/** A text as it has to be typed, with a button that copies it. */
export function Code({ text, isSecret }: { text: string; isSecret?: boolean }) {
  return (
    <div className="flex items-start gap-2 rounded-md border bg-muted py-1 pr-1 pl-3 font-mono text-[0.8125rem]">
      <code
        className="min-w-0 flex-1 py-1.5 whitespace-pre-wrap [overflow-wrap:anywhere]"
        data-secret={isSecret || undefined}
      >
        {text}
      </code>
      <Copy text={text} />
    </div>
  )
}

/** An address or id too long for its place: the middle is left out, the whole can be copied. */
export function Short({ text, ends = 6 }: { text: string; ends?: number }) {
  const isLong = text.length > ends * 2 + 3
  return (
    <span className="inline-flex items-center gap-1 [&_button]:-my-1.5 [&_button]:size-7">
      <span title={text} className="font-mono text-[0.8125rem] whitespace-nowrap">
        {isLong ? `${text.slice(0, ends + 2)}…${text.slice(-ends)}` : text}
      </span>
      <Copy text={text} />
    </span>
  )
}
