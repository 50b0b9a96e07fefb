import { Link } from '@tanstack/react-router'
import { ArrowRightLeft, RotateCw, Sparkles, Wallet } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { isNode } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Menu } from '../../parts/menu.tsx'
import { Banner } from '../../parts/states.tsx'
import type { Message } from '../../storage/documents.ts'
import { pageLeft, useIsWrittenElsewhere } from '../written.ts'

const moneyCodes = new Set(['insufficient_funds', 'spending_cap', 'payment_required', 'budget_exceeded'])

interface ProblemProps {
  message: Message
  /** Others that could be asked. */
  providers: readonly string[]
  models: readonly string[]
  isBusy: boolean
  onAgain: (wish: { model?: string; provider?: string }) => void
}

/** What went wrong with an answer, and what can be done. */
export function Problem({ message, providers, models, isBusy, onAgain }: ProblemProps) {
  const { t } = useTranslation()
  const { error, state, text } = message
  const isElsewhere = useIsWrittenElsewhere(message.id, error?.code === pageLeft)
  if (isElsewhere) {
    return (
      <p role="status" className="text-[0.8125rem] text-muted-foreground">
        {t('chat.problem.elsewhere')}
      </p>
    )
  }
  if (state === 'stopped') return <p className="text-[0.8125rem] text-muted-foreground">{t('chat.problem.stopped')}</p>
  if (error === undefined) return null
  const isMoney = moneyCodes.has(error.code)
  const isCut = text !== '' && !isMoney
  return (
    <Banner
      tone={isMoney || isCut ? 'warning' : 'bad'}
      title={isMoney ? t('chat.problem.money') : isCut ? t('chat.problem.cut') : t('chat.problem.failed')}
    >
      <p>{error.code === pageLeft ? t('chat.problem.left') : error.message}</p>
      <div className="mt-2 flex flex-wrap gap-2">
        {isMoney && isNode && (
          <Button asChild size="sm" look="primary" className="max-md:h-11">
            <Link to={'/money' as '/'}>
              <Wallet aria-hidden />
              {t('chat.problem.toMoney')}
            </Link>
          </Button>
        )}
        <Button size="sm" className="max-md:h-11" disabled={isBusy} onClick={() => onAgain({})}>
          <RotateCw aria-hidden />
          {t('common.retry')}
        </Button>
        {providers.length > 0 && (
          <Menu
            align="start"
            items={providers.map(provider => ({ label: provider, onSelect: () => onAgain({ provider }) }))}
          >
            <Button size="sm" className="max-md:h-11" disabled={isBusy}>
              <ArrowRightLeft aria-hidden />
              {t('chat.problem.otherProvider')}
            </Button>
          </Menu>
        )}
        {models.length > 0 && (
          <Menu align="start" items={models.map(model => ({ label: model, onSelect: () => onAgain({ model }) }))}>
            <Button size="sm" className="max-md:h-11" disabled={isBusy}>
              <Sparkles aria-hidden />
              {t('chat.problem.otherModel')}
            </Button>
          </Menu>
        )}
      </div>
    </Banner>
  )
}
