import { AudioLines, Braces, Brain, Eye, Wrench } from 'lucide-react'
import { useTranslation } from 'react-i18next'

const marks = [
  { names: ['vision', 'image'], icon: Eye, word: 'vision' },
  { names: ['tools', 'function_calling'], icon: Wrench, word: 'tools' },
  { names: ['json', 'structured_outputs', 'json_schema'], icon: Braces, word: 'json' },
  { names: ['audio'], icon: AudioLines, word: 'audio' },
  { names: ['reasoning', 'thinking'], icon: Brain, word: 'reasoning' },
] as const

/** What a model can do beside words. */
export function Abilities({ of: given, hasWords }: { of: readonly string[] | null; hasWords?: boolean }) {
  const { t } = useTranslation()
  const found = marks.filter(({ names }) => names.some(name => given?.includes(name)))
  if (found.length === 0) return null
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2 gap-y-1 text-muted-foreground">
      {found.map(({ icon: Icon, word }) => (
        <span key={word} title={t(`chat.ability.${word}`)} className="inline-flex items-center gap-1">
          <Icon aria-hidden className="size-3.5" />
          <span className={hasWords ? undefined : 'sr-only'}>{t(`chat.ability.${word}`)}</span>
        </span>
      ))}
    </span>
  )
}
