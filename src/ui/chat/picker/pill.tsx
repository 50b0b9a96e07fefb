import { ChevronDown } from 'lucide-react'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { create } from 'zustand'
import { useShortcut } from '../../client/shortcuts.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { duration } from '../../parts/format.ts'
import { Popover } from '../../parts/menu.tsx'
import { useModels } from '../models.ts'
import { useIsPhone } from '../phone.ts'
import { priceText } from '../price.ts'
import { type Model, summaryOf } from '../rank.ts'
import { PickerList } from './list.tsx'

const usePicker = create<{ readonly isOpen: boolean }>(() => ({ isOpen: false }))

const setIsOpen = (isOpen: boolean) => usePicker.setState({ isOpen })

/** Shows all models, from wherever one is in a chat. */
export const openPicker = () => setIsOpen(true)

interface PillProps {
  model: string | null
  provider: string | undefined
  onChoose: (model: string, provider: string | undefined) => void
}

/** The model of the chat and what it means: how many answer, from what price on, how soon. Opens all others. */
export function ModelPill({ model, provider, onChoose }: PillProps) {
  const { t } = useTranslation()
  const isPhone = useIsPhone()
  const { models, isPending } = useModels()
  const isOpen = usePicker(state => state.isOpen)
  useShortcut('pickModel', () => setIsOpen(!isOpen))
  useEffect(() => () => setIsOpen(false), [])
  const known = models.find(({ id }) => id === model)
  const choose = (next: string, who: string | undefined) => {
    setIsOpen(false)
    onChoose(next, who)
  }
  const pill = (
    <button
      type="button"
      aria-expanded={isOpen}
      aria-haspopup="dialog"
      {...(isPhone && { onClick: () => setIsOpen(true) })}
      className="flex h-9 max-w-full min-w-0 items-center gap-2 rounded-md px-2.5 hover:bg-muted max-md:h-11"
    >
      <span className="sr-only">{t('chat.picker.open')}</span>
      <span className="truncate font-medium">
        {model ?? (isPending ? t('common.loading') : t('chat.picker.noModel'))}
      </span>
      <span className="tabular hidden min-w-0 truncate text-[0.8125rem] text-muted-foreground sm:inline">
        <PillFacts model={known} provider={provider} />
      </span>
      <ChevronDown aria-hidden className="size-4 shrink-0 text-muted-foreground" />
    </button>
  )
  const list = (
    <PickerList
      model={model}
      provider={provider}
      onModel={next => choose(next, undefined)}
      onProvider={(next, who) => onChoose(next, who)}
    />
  )
  if (isPhone) {
    return (
      <>
        {pill}
        <Dialog isOpen={isOpen} onClose={() => setIsOpen(false)} title={t('chat.picker.name')} shape="sheet">
          {list}
        </Dialog>
      </>
    )
  }
  return (
    <Popover
      trigger={pill}
      label={t('chat.picker.name')}
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      className="w-[min(44rem,calc(100vw-1rem))]"
    >
      {list}
    </Popover>
  )
}

function PillFacts({ model, provider }: { model: Model | undefined; provider: string | undefined }) {
  const { t } = useTranslation()
  if (model === undefined || model.offers.length === 0) return null
  const { up, price, isFree, ttftMs, isDown } = summaryOf(model)
  if (isDown) return t('chat.picker.down')
  const parts = [
    provider ?? (up.length === 1 ? up[0]!.provider : t('chat.picker.providers', { count: up.length })),
    price !== null
      ? t('chat.picker.from', { price: priceText(price.in, price.currency) })
      : isFree
        ? t('chat.picker.free')
        : '',
    ttftMs === null ? '' : `~${duration(ttftMs)}`,
  ]
  return parts.filter(part => part !== '').join(' · ')
}
