import { Cloud, House, Lock } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Badge } from '../../parts/badge.tsx'
import type { Offer } from '../rank.ts'

const marks = {
  local: { icon: House, tone: 'good' },
  peer: { icon: Lock, tone: 'accent' },
  upstream: { icon: Cloud, tone: 'neutral' },
} as const

/** Who reads the prompt. */
export function PrivacyBadge({ level }: { level: Offer['privacy'] }) {
  const { t } = useTranslation()
  const { icon: Icon, tone } = marks[level]
  return (
    <Badge tone={tone}>
      <Icon aria-hidden />
      {t(`chat.privacy.${level}.name`)}
    </Badge>
  )
}

export function PrivacyMark({ level }: { level: Offer['privacy'] }) {
  const { t } = useTranslation()
  const { icon: Icon } = marks[level]
  return (
    <span className="flex min-w-0 items-center gap-1">
      <Icon aria-hidden className="size-3.5 shrink-0" />
      <span className="truncate">{t(`chat.privacy.${level}.name`)}</span>
    </span>
  )
}
