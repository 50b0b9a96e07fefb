import { Command } from 'cmdk'
import { Check, Pin } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Dot } from '../../parts/badge.tsx'
import { cn } from '../../parts/class.ts'
import { compact, duration, number } from '../../parts/format.ts'
import { priceText } from '../price.ts'
import { type Model, summaryOf } from '../rank.ts'
import { Abilities } from './abilities.tsx'
import { PrivacyMark } from './privacy.tsx'

interface RowProps {
  model: Model
  isChosen: boolean
  isPinned: boolean
  canPay: boolean
  onChoose: () => void
}

/** One model: what it can do, what it costs, how soon it answers. */
export function ModelRow({ model, isChosen, isPinned, canPay, onChoose }: RowProps) {
  const { t } = useTranslation()
  const summary = summaryOf(model)
  const { price, isFree, ttftMs, tokensPerSecond, privacy, isDown, needsWallet, up } = summary
  const isLocked = needsWallet && !canPay
  return (
    <Command.Item
      value={model.id}
      onSelect={onChoose}
      className={cn(
        'grid cursor-pointer grid-cols-[1rem_minmax(0,1fr)_auto] items-center gap-x-2 rounded-md px-2 py-1.5 max-md:min-h-12 data-[selected=true]:bg-muted',
        (isLocked || isDown) && 'text-muted-foreground',
      )}
    >
      {isChosen ? (
        <Check aria-label={t('chat.picker.chosen')} className="size-4 text-primary" />
      ) : (
        <Dot tone={isDown ? 'bad' : up.some(({ state }) => state === 'up') ? 'good' : 'neutral'} />
      )}
      <span className="flex min-w-0 items-center gap-1.5">
        <span className="truncate font-medium">{model.id}</span>
        {isPinned && <Pin aria-label={t('chat.picker.pinned')} className="size-3 shrink-0 fill-current" />}
      </span>
      <span className="tabular text-right text-xs whitespace-nowrap">
        {isLocked
          ? t('chat.picker.needsWallet')
          : price !== null
            ? `${priceText(price.in, price.currency)} / ${priceText(price.out, price.currency)}`
            : isFree
              ? t('chat.picker.free')
              : ''}
      </span>
      <span aria-hidden />
      <span className="tabular flex min-w-0 items-center gap-2 truncate text-xs text-muted-foreground">
        {privacy.map(level => (
          <PrivacyMark key={level} level={level} />
        ))}
        {model.contextLength !== null && (
          <span>{t('chat.picker.context', { count: compact(model.contextLength) })}</span>
        )}
        <Abilities of={model.capabilities} />
      </span>
      <span className="tabular text-right text-xs whitespace-nowrap text-muted-foreground">
        {isDown
          ? t('chat.picker.down')
          : [
              ttftMs === null ? '' : `~${duration(ttftMs)}`,
              tokensPerSecond === null ? '' : t('chat.picker.speed', { speed: number(tokensPerSecond) }),
            ]
              .filter(part => part !== '')
              .join(' · ')}
      </span>
    </Command.Item>
  )
}
