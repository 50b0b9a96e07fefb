import { useTranslation } from 'react-i18next'
import { Badge, Dot, type Tone } from '../../parts/badge.tsx'

const tones = { up: 'good', resting: 'warning', down: 'bad', disabled: 'neutral' } as const satisfies Record<
  string,
  Tone
>
export type LiveState = keyof typeof tones

export function StateBadge({ state }: { state: LiveState }) {
  const { t } = useTranslation()
  return (
    <Badge tone={tones[state]}>
      <Dot tone={tones[state]} />
      {t(`node.states.${state}`)}
    </Badge>
  )
}
