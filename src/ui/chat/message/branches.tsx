import { ChevronLeft, ChevronRight } from 'lucide-react'
import type { KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../parts/button.tsx'
import type { Message } from '../../storage/documents.ts'

interface BranchesProps {
  message: Message
  siblings: readonly Message[]
  isDisabled: boolean
  onShow: (id: string) => void
}

/** Which of several is shown, ‹2/3›; arrow keys change it. */
export function Branches({ message, siblings, isDisabled, onShow }: BranchesProps) {
  const { t } = useTranslation()
  if (siblings.length < 2) return null
  const at = siblings.findIndex(({ id }) => id === message.id)
  const show = (index: number) => {
    const next = siblings[index]
    if (next !== undefined) onShow(next.id)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    show(at + step)
  }
  return (
    <fieldset aria-label={t('chat.message.branches')} className="inline-flex items-center" onKeyDown={onKeyDown}>
      <IconButton
        label={t('chat.message.previousBranch')}
        size="sm"
        className="max-md:size-11"
        disabled={isDisabled || at === 0}
        onClick={() => show(at - 1)}
      >
        <ChevronLeft aria-hidden />
      </IconButton>
      <span className="tabular text-[0.8125rem] text-muted-foreground">
        {at + 1}/{siblings.length}
      </span>
      <IconButton
        label={t('chat.message.nextBranch')}
        size="sm"
        className="max-md:size-11"
        disabled={isDisabled || at === siblings.length - 1}
        onClick={() => show(at + 1)}
      >
        <ChevronRight aria-hidden />
      </IconButton>
    </fieldset>
  )
}
