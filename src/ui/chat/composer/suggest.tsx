import type { LucideIcon } from 'lucide-react'
import { Download, Ghost, MessageSquarePlus, ScrollText, Sparkles } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '../../parts/class.ts'

export type CommandName = 'model' | 'system' | 'temp' | 'export' | 'new'

export interface Suggestion {
  readonly key: string
  readonly label: string
  readonly about?: string
  readonly icon?: LucideIcon
  readonly run: () => void
}

const commandIcons = { model: Sparkles, system: ScrollText, temp: Ghost, export: Download, new: MessageSquarePlus }
const shownMax = 8

/** What a text at its caret asks for: a command at its beginning, or a model after an @. */
export function askedFor(
  text: string,
  caret: number,
): { kind: 'command' | 'model'; typed: string; from: number } | null {
  const before = text.slice(0, caret)
  const command = /^\/(\w*)$/.exec(before)
  if (command !== null && text.trim() === before.trim()) return { kind: 'command', typed: command[1]!, from: 0 }
  const model = /(?:^|\s)@([\w./:-]*)$/.exec(before)
  return model === null ? null : { kind: 'model', typed: model[1]!, from: caret - model[1]!.length - 1 }
}

export function useCommands(run: Partial<Record<CommandName, () => void>>, typed: string): readonly Suggestion[] {
  const { t } = useTranslation()
  return (Object.keys(commandIcons) as CommandName[])
    .filter(name => run[name] !== undefined && name.startsWith(typed.toLowerCase()))
    .map(name => ({
      ...{ key: name, label: `/${name}`, about: t(`chat.command.${name}`), icon: commandIcons[name] },
      run: run[name]!,
    }))
}

export function modelSuggestions(
  ids: readonly string[],
  typed: string,
  choose: (id: string) => void,
): readonly Suggestion[] {
  const wanted = typed.toLowerCase()
  return ids
    .filter(id => id.toLowerCase().includes(wanted))
    .slice(0, shownMax)
    .map(id => ({ key: id, label: id, icon: Sparkles, run: () => choose(id) }))
}

interface SuggestionsProps {
  id: string
  label: string
  suggestions: readonly Suggestion[]
  chosen: number
}

/** Above the text; the keyboard stays in it. */
export function Suggestions({ id, label, suggestions, chosen }: SuggestionsProps) {
  return (
    <div
      id={id}
      role="listbox"
      aria-label={label}
      className="absolute inset-x-0 bottom-full z-20 mb-2 max-h-72 overflow-y-auto rounded-lg border bg-popover p-1 text-popover-foreground"
    >
      {suggestions.map(({ key, label: name, about, icon: Icon, run }, at) => (
        // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the text, which names the chosen one
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the text
        <div
          key={key}
          id={`${id}-${at}`}
          role="option"
          aria-selected={at === chosen}
          onMouseDown={event => event.preventDefault()}
          onClick={run}
          className={cn(
            'flex min-h-9 cursor-pointer items-center gap-2 rounded px-2 max-md:min-h-11 hover:bg-muted',
            at === chosen && 'bg-muted',
          )}
        >
          {Icon && <Icon aria-hidden className="size-4 text-muted-foreground" />}
          <span className="font-medium">{name}</span>
          {about && <span className="truncate text-muted-foreground">{about}</span>}
        </div>
      ))}
    </div>
  )
}
