import { useTranslation } from 'react-i18next'
import { compact, number } from '../parts/format.ts'
import { Popover } from '../parts/menu.tsx'
import { Facts } from '../parts/page.tsx'
import type { Message } from '../storage/documents.ts'
import { sumCosts } from './price.ts'

/** What a chat has used so far, in all its branches. */
export function Meter({ messages }: { messages: readonly Message[] }) {
  const { t } = useTranslation()
  const answers = messages.filter(({ usage }) => usage !== undefined)
  if (answers.length === 0) return null
  const prompt = answers.reduce((sum, { usage }) => sum + usage!.prompt, 0)
  const completion = answers.reduce((sum, { usage }) => sum + usage!.completion, 0)
  const costs = sumCosts(
    answers.flatMap(({ facts: { cost, currency } = {} }) =>
      cost === undefined || currency === undefined ? [] : [{ cost, currency }],
    ),
  )
  const byModel = Map.groupBy(answers, ({ model, facts }) => facts?.servedModel ?? model ?? '')
  return (
    <Popover
      align="end"
      label={t('chat.meter.name')}
      trigger={
        <button
          type="button"
          className="tabular h-8 shrink-0 rounded-md px-2 text-[0.8125rem] text-muted-foreground hover:bg-muted max-md:h-11"
        >
          <span className="sr-only">{t('chat.meter.name')}: </span>
          <span className={costs.length > 0 ? 'max-sm:hidden' : undefined}>
            {t('chat.meter.tokens', { count: prompt + completion, shown: compact(prompt + completion) })}
            {costs.length > 0 && ' · '}
          </span>
          {costs.join(' · ')}
        </button>
      }
    >
      <h2 className="mb-2 font-semibold">{t('chat.meter.name')}</h2>
      <Facts
        facts={[
          [t('chat.meter.answers'), number(answers.length)],
          [t('chat.details.tokens'), t('chat.details.inOut', { in: number(prompt), out: number(completion) })],
          [t('chat.details.cost'), costs.length === 0 ? t('chat.details.nothing') : costs.join(' + ')],
          ...[...byModel].map(
            ([model, some]) =>
              [
                model,
                t('chat.meter.tokens', {
                  count: tokensOf(some),
                  shown: number(tokensOf(some)),
                }),
              ] as const,
          ),
        ]}
      />
      <p className="mt-2 text-[0.8125rem] text-muted-foreground">{t('chat.meter.about')}</p>
    </Popover>
  )
}

function tokensOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { usage }) => sum + (usage?.prompt ?? 0) + (usage?.completion ?? 0), 0)
}
