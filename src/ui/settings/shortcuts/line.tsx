import { RotateCcw } from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { isReserved, keysOf, rebind, type ShortcutName, shortcuts, useBindings } from '../../client/shortcuts.ts'
import { Badge } from '../../parts/badge.tsx'
import { IconButton } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { Keys } from '../../parts/keys.tsx'
import { isPlain, pressed } from './pressed.ts'

/** One shortcut. While it listens, nothing else hears the keys. */
export function Line({ name }: { name: ShortcutName }) {
  const { t } = useTranslation()
  const changed = useBindings(bindings => bindings.changed[name])
  const keys = changed ?? shortcuts[name].keys
  const [isListening, setIsListening] = useState(false)
  const [problem, setProblem] = useState<{ readonly keys: string; readonly other?: ShortcutName }>()
  const label = t(`settings.shortcuts.names.${name}`)
  const stop = () => {
    setIsListening(false)
    setProblem(undefined)
  }
  const take = (event: KeyboardEvent) => {
    if (event.key === 'Tab') return stop()
    event.preventDefault()
    event.stopPropagation()
    if (event.key === 'Escape' && !event.shiftKey) return stop()
    const wanted = pressed(event.nativeEvent)
    if (wanted === undefined) return
    if (isPlain(wanted) || isReserved(wanted)) return setProblem({ keys: wanted })
    const other = holderOf(wanted, name)
    if (other !== undefined && problem?.keys !== wanted) return setProblem({ keys: wanted, other })
    if (other !== undefined) rebind(other, keys)
    rebind(name, wanted === shortcuts[name].keys ? null : wanted)
    stop()
  }
  return (
    <li className="grid gap-1 px-4 py-2">
      <div className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1">
        <span className="flex-1 basis-40">{label}</span>
        {changed !== undefined && !isListening && (
          <>
            <Badge tone="accent">{t('settings.shortcuts.changed')}</Badge>
            <IconButton
              size="sm"
              label={`${t('settings.shortcuts.reset')}: ${label}`}
              onClick={() => rebind(name, null)}
            >
              <RotateCcw aria-hidden />
            </IconButton>
          </>
        )}
        <button
          type="button"
          className={cn(
            'min-h-9 rounded-md border px-3 max-md:min-h-11 hover:bg-muted [&_kbd]:text-[0.8125rem] [&_kbd]:opacity-100',
            isListening && 'border-primary bg-accent text-accent-foreground',
          )}
          onClick={() => setIsListening(true)}
          onBlur={stop}
          onKeyDown={isListening ? take : undefined}
        >
          <span className="sr-only">{label}: </span>
          {isListening ? t('settings.shortcuts.press') : <Keys keys={keys} />}
        </button>
      </div>
      <p aria-live="polite" className={cn('text-[0.8125rem] text-warning', problem === undefined && 'sr-only')}>
        {problem && <Problem {...problem} />}
      </p>
    </li>
  )
}

function Problem({ keys, other }: { keys: string; other?: ShortcutName }) {
  const { t } = useTranslation()
  const mod = /mac/i.test(navigator.platform) ? '⌘' : 'Ctrl'
  if (isReserved(keys)) return t('settings.shortcuts.reserved', { keys: keys.replace('$mod', mod) })
  if (other === undefined) return t('settings.shortcuts.plain', { mod })
  return t('settings.shortcuts.taken', {
    keys: keys.replace('$mod', mod),
    name: t(`settings.shortcuts.names.${other}`),
  })
}

/** Who has these keys already. */
function holderOf(keys: string, but: ShortcutName): ShortcutName | undefined {
  return (Object.keys(shortcuts) as ShortcutName[]).find(
    name => name !== but && keysOf(name).toLowerCase() === keys.toLowerCase(),
  )
}
