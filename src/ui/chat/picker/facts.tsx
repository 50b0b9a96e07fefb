import { Link } from '@tanstack/react-router'
import { Pin, PinOff } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Dot } from '../../parts/badge.tsx'
import { Button, IconButton } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { compact, duration, number, percent } from '../../parts/format.ts'
import { Facts } from '../../parts/page.tsx'
import { togglePin } from '../preferences.ts'
import { priceText } from '../price.ts'
import { isPaid, type Model, type Offer, summaryOf } from '../rank.ts'
import { Abilities } from './abilities.tsx'
import { PrivacyBadge } from './privacy.tsx'

interface ModelFactsProps {
  model: Model
  isPinned: boolean
  canPay: boolean
  /** Who alone is asked, where somebody was chosen. */
  provider: string | undefined
  onProvider: ((provider: string | undefined) => void) | undefined
}

/** All that is known of a model, and of those who answer with it. */
export function ModelFacts({ model, isPinned, canPay, provider, onProvider }: ModelFactsProps) {
  const { t } = useTranslation()
  const { price, isFree, ttftMs, ttftP95Ms, tokensPerSecond, uptime, privacy, needsWallet } = summaryOf(model)
  const isLocked = needsWallet && !canPay
  return (
    <div className="grid content-start gap-3">
      <header className="flex items-start justify-between gap-2">
        <h3 className="font-semibold break-all">{model.id}</h3>
        <IconButton
          size="sm"
          label={isPinned ? t('chat.picker.unpin') : t('chat.picker.pin')}
          aria-pressed={isPinned}
          onClick={() => togglePin(model.id)}
        >
          {isPinned ? <PinOff aria-hidden /> : <Pin aria-hidden />}
        </IconButton>
      </header>
      {isLocked && (
        <Button asChild size="sm" look="primary">
          <Link to={'/money' as '/'}>{t('chat.picker.needsWallet')}</Link>
        </Button>
      )}
      <Facts
        facts={[
          [
            t('chat.picker.price'),
            price !== null
              ? t('chat.picker.inOut', {
                  in: priceText(price.in, price.currency),
                  out: priceText(price.out, price.currency),
                })
              : isFree
                ? t('chat.picker.free')
                : t('common.unknown'),
          ],
          model.contextLength === null
            ? null
            : [t('chat.picker.contextName'), t('chat.picker.context', { count: compact(model.contextLength) })],
          ttftMs === null
            ? null
            : [
                t('chat.picker.firstToken'),
                `${duration(ttftMs)}${ttftP95Ms === null ? '' : ` · p95 ${duration(ttftP95Ms)}`}`,
              ],
          tokensPerSecond === null
            ? null
            : [t('chat.picker.speedName'), t('chat.picker.speed', { speed: number(tokensPerSecond, 1) })],
          uptime === null ? null : [t('chat.picker.uptime'), percent(uptime)],
        ]}
      />
      <Abilities of={model.capabilities} hasWords />
      {privacy.map(level => (
        <div key={level} className="grid justify-items-start gap-1">
          <PrivacyBadge level={level} />
          <p className="text-[0.8125rem] text-muted-foreground">{t(`chat.privacy.${level}.about`)}</p>
        </div>
      ))}
      {model.offers.length > 0 && <Offers offers={model.offers} provider={provider} onProvider={onProvider} />}
    </div>
  )
}

interface OffersProps {
  offers: readonly Offer[]
  provider: string | undefined
  onProvider: ((provider: string | undefined) => void) | undefined
}

function Offers({ offers, provider, onProvider }: OffersProps) {
  const { t } = useTranslation()
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 text-[0.8125rem] text-muted-foreground">{t('chat.picker.whoAnswers')}</legend>
      {onProvider !== undefined && (
        <Choice isChosen={provider === undefined} onChoose={() => onProvider(undefined)}>
          <span className="min-w-0 flex-1">{t('chat.picker.anybody')}</span>
        </Choice>
      )}
      {offers.map(offer => (
        <Choice
          key={offer.provider}
          isChosen={provider === offer.provider}
          onChoose={onProvider && (() => onProvider(offer.provider))}
        >
          <Dot tone={offer.state === 'up' ? 'good' : offer.state === 'resting' ? 'warning' : 'bad'} />
          <span className="min-w-0 flex-1 truncate" title={offer.provider}>
            {offer.provider}
            {offer.state !== 'up' && (
              <span className="text-muted-foreground"> · {t(`chat.picker.state.${offer.state}`)}</span>
            )}
          </span>
          <span className="tabular text-xs whitespace-nowrap text-muted-foreground">
            {[
              isPaid(offer)
                ? priceText(Number(offer.priceIn ?? 0) + Number(offer.priceOut ?? 0), offer.currency ?? '')
                : t('chat.picker.free'),
              offer.ttftP50Ms === null ? '' : duration(offer.ttftP50Ms),
            ]
              .filter(part => part !== '')
              .join(' · ')}
          </span>
        </Choice>
      ))}
    </fieldset>
  )
}

interface ChoiceProps {
  isChosen: boolean
  onChoose: (() => void) | undefined
  children: React.ReactNode
}

function Choice({ isChosen, onChoose, children }: ChoiceProps) {
  const look = 'flex min-h-8 w-full items-center gap-2 rounded-md border px-2 text-left max-md:min-h-11'
  if (onChoose === undefined) return <div className={look}>{children}</div>
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={onChoose}
      className={cn(look, 'hover:bg-muted', isChosen ? 'border-primary bg-accent' : 'border-border')}
    >
      {children}
    </button>
  )
}
