import { useTranslation } from 'react-i18next'
import { number } from '../parts/format.ts'
import type { Attachment, Message } from '../storage/documents.ts'
import { hasKeyboard } from './composer/composer.tsx'
import { costText } from './price.ts'
import { costOf, type Model } from './rank.ts'
import { roughTokens } from './wire.ts'

interface HintProps {
  text: string
  attachments: readonly Attachment[]
  model: Model | undefined
  provider: string | undefined
  path: readonly Message[]
  systemPrompt: string
}

/** About what a prompt is, with all that goes along, and what reading it costs. */
export function Hint({ text, attachments, model, provider, path, systemPrompt }: HintProps) {
  const { t } = useTranslation()
  if (text.trim() === '' && attachments.length === 0) return hasKeyboard && t('chat.composer.enter')
  const before = path.reduce((sum, message) => sum + roughTokens(message.text, message.attachments), 0)
  const tokens = before + roughTokens(text, attachments) + (systemPrompt === '' ? 0 : roughTokens(systemPrompt))
  const cost = costOf(model, provider, { prompt: tokens, completion: 0 })
  const most = model?.contextLength ?? null
  if (most !== null && tokens > most) {
    return <span className="text-warning">{t('chat.composer.tooLong', { count: tokens, most: number(most) })}</span>
  }
  const about = t('chat.composer.about', { count: tokens, shown: number(tokens) })
  return cost === undefined ? about : `${about} · ~${costText(cost.cost, cost.currency)}`
}
