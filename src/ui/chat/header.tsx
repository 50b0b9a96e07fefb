import { Ghost, SlidersHorizontal } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { keysOf } from '../client/shortcuts.ts'
import { Badge } from '../parts/badge.tsx'
import { IconButton } from '../parts/button.tsx'
import { ModelPill } from './picker/pill.tsx'

interface HeaderProps {
  model: string | null
  provider: string | undefined
  onModel: (model: string, provider: string | undefined) => void
  isTemporary: boolean
  /** Missing where it is too late to choose. */
  onTemporary: (() => void) | undefined
  hasSettings: boolean
  onSettings: () => void
  children?: React.ReactNode
}

/** Above a chat: who answers, and how. */
export function Header(props: HeaderProps) {
  const { model, provider, onModel, isTemporary, onTemporary, hasSettings, onSettings, children } = props
  const { t } = useTranslation()
  return (
    <header className="flex min-h-12 items-center gap-1 border-b px-2 py-1">
      <div className="min-w-0 flex-1">
        <ModelPill model={model} provider={provider} onChoose={onModel} />
      </div>
      {isTemporary && onTemporary === undefined && (
        <Badge tone="accent">
          <Ghost aria-hidden />
          {t('chat.temporary.name')}
        </Badge>
      )}
      {children}
      {onTemporary !== undefined && (
        <IconButton
          label={isTemporary ? t('chat.temporary.isOn') : t('chat.temporary.switch')}
          keys={keysOf('temporary')}
          aria-pressed={isTemporary}
          className={isTemporary ? 'bg-accent text-accent-foreground max-md:size-11' : 'max-md:size-11'}
          onClick={onTemporary}
        >
          <Ghost aria-hidden />
        </IconButton>
      )}
      <IconButton label={t('chat.settings.name')} className="relative max-md:size-11" onClick={onSettings}>
        <SlidersHorizontal aria-hidden />
        {hasSettings && <span aria-hidden className="absolute top-1.5 right-1.5 size-1.5 rounded-full bg-primary" />}
      </IconButton>
    </header>
  )
}
