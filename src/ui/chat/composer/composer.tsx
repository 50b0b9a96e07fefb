import { ArrowUp, Paperclip, Square, X } from 'lucide-react'
import { type ClipboardEvent, type DragEvent, type KeyboardEvent, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { sends } from '../../client/preferences.ts'
import { useShortcut } from '../../client/shortcuts.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button, IconButton } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import type { Attachment } from '../../storage/documents.ts'
import { Attached } from './attached.tsx'
import { type Refused, readFiles } from './attachments.ts'
import { useText } from './draft.ts'
import { Microphone, RecordingBar } from './microphone.tsx'
import { useRecorder } from './recorder.ts'
import { askedFor, type CommandName, modelSuggestions, Suggestions, useCommands } from './suggest.tsx'

export interface Written {
  readonly text: string
  readonly attachments: readonly Attachment[]
  /** For this prompt alone. */
  readonly model: string | undefined
}

interface ComposerProps {
  /** Whose draft it is; undefined where none is kept. */
  draftId: string | undefined
  /** The model that answers; nothing can be sent without. */
  model: string | null
  modelIds: readonly string[]
  isRunning: boolean
  isOffline: boolean
  commands: Partial<Record<CommandName, () => void>>
  onSend: (written: Written) => void
  onStop: () => void
  /** Below the text: what it is about to cost. */
  hint: (text: string, attachments: readonly Attachment[], model: string | undefined) => React.ReactNode
}

/** On a screen alone the focus would bring up its keyboard, whose Enter begins a line. */
export const hasKeyboard = matchMedia('(pointer: fine)').matches

/** Where one writes. */
export function Composer(props: ComposerProps) {
  const { draftId, model, modelIds, isRunning, isOffline, commands, onSend, onStop, hint } = props
  const { t } = useTranslation()
  const id = useId()
  const picker = useRef<HTMLInputElement>(null)
  const { box, text, setText, insert, clear } = useText(draftId)
  const [attachments, setAttachments] = useState<readonly Attachment[]>([])
  const [refused, setRefused] = useState<readonly Refused[]>([])
  const [isReading, setIsReading] = useState(false)
  const [isOver, setIsOver] = useState(false)
  const [onceModel, setOnceModel] = useState<string>()
  const [caret, setCaret] = useState(0)
  const [chosen, setChosen] = useState(0)
  const [dismissed, setDismissed] = useState<string>()
  const recorder = useRecorder(insert)
  useShortcut('focusComposer', () => box.current?.focus())

  const asked = askedFor(text, caret)
  const commandList = useCommands(commands, asked?.typed ?? '').map(each => ({
    ...each,
    run: () => {
      setText('')
      each.run()
    },
  }))
  const takeModel = (name: string) => {
    setOnceModel(name)
    setText(text.slice(0, asked?.from ?? 0) + text.slice(caret))
    box.current?.focus()
  }
  const suggestions =
    asked === null || dismissed === text
      ? []
      : asked.kind === 'command'
        ? commandList
        : modelSuggestions(modelIds, asked.typed, takeModel)
  const at = Math.min(chosen, suggestions.length - 1)
  const canSend = (text.trim() !== '' || attachments.length > 0) && model !== null && !isRunning && !isReading

  const take = async (files: readonly File[]) => {
    if (files.length === 0) return
    setIsReading(true)
    const read = await readFiles(files, attachments)
    setAttachments(before => [...before, ...read.taken])
    setRefused(read.refused)
    setIsReading(false)
  }
  const submit = () => {
    if (!canSend || isOffline) return
    onSend({ text: text.trim(), attachments, model: onceModel })
    clear()
    setAttachments([])
    setRefused([])
    setOnceModel(undefined)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter ends the composition of a letter first.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    if (suggestions.length > 0 && onSuggestionKey(event)) return
    if (hasKeyboard && !event.altKey && sends(event.nativeEvent)) {
      event.preventDefault()
      submit()
    }
  }
  const onSuggestionKey = (event: KeyboardEvent): boolean => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) setChosen((at + step + suggestions.length) % suggestions.length)
    else if (event.key === 'Enter' || event.key === 'Tab') suggestions[at]?.run()
    else if (event.key === 'Escape') setDismissed(text)
    else return false
    event.preventDefault()
    return true
  }
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files]
    if (files.length === 0) return
    event.preventDefault()
    void take(files)
  }
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    setIsOver(false)
    void take([...event.dataTransfer.files])
  }

  return (
    <form
      aria-label={t('chat.composer.name')}
      className="relative"
      onSubmit={event => {
        event.preventDefault()
        submit()
      }}
      onDragOver={event => {
        event.preventDefault()
        setIsOver(event.dataTransfer.types.includes('Files'))
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={onDrop}
    >
      {suggestions.length > 0 && (
        <Suggestions
          id={`${id}-list`}
          label={asked?.kind === 'model' ? t('chat.composer.models') : t('chat.composer.commands')}
          suggestions={suggestions}
          chosen={at}
        />
      )}
      <div
        className={cn(
          'grid gap-2 rounded-xl border border-input bg-card p-2 focus-within:border-ring focus-within:outline-1 focus-within:outline-offset-0 focus-within:outline-ring',
          isOver && 'border-dashed border-primary bg-accent',
        )}
      >
        <Attached
          attachments={attachments}
          onRemove={gone => setAttachments(attachments.filter(each => each.id !== gone))}
        />
        <Refusals refused={refused} onDismiss={() => setRefused([])} />
        {onceModel !== undefined && (
          <Badge tone="accent" className="justify-self-start">
            {t('chat.composer.once', { model: onceModel })}
            <button
              type="button"
              aria-label={t('common.remove')}
              className="rounded-sm p-0.5 hover:bg-background/50"
              onClick={() => setOnceModel(undefined)}
            >
              <X aria-hidden />
            </button>
          </Badge>
        )}
        <RecordingBar recorder={recorder} />
        <textarea
          ref={box}
          rows={1}
          // biome-ignore lint/a11y/noAutofocus: one comes here to write
          autoFocus={hasKeyboard}
          dir="auto"
          value={text}
          aria-label={t('chat.composer.label')}
          placeholder={t('chat.composer.placeholder')}
          {...(suggestions.length > 0 && {
            'aria-controls': `${id}-list`,
            'aria-activedescendant': `${id}-list-${at}`,
            'aria-autocomplete': 'list',
          })}
          className="max-h-[40dvh] min-h-7 w-full resize-none bg-transparent px-2 pt-1 text-base outline-none placeholder:text-muted-foreground"
          onChange={event => {
            setText(event.target.value)
            setCaret(event.target.selectionStart)
            setChosen(0)
          }}
          onSelect={event => setCaret(event.currentTarget.selectionStart)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <div className="flex items-center gap-1">
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            aria-label={t('chat.composer.attach')}
            onChange={event => {
              void take([...(event.target.files ?? [])])
              event.target.value = ''
            }}
          />
          <IconButton
            label={t('chat.composer.attach')}
            className="max-md:size-11"
            isBusy={isReading}
            onClick={() => picker.current?.click()}
          >
            {isReading ? null : <Paperclip aria-hidden />}
          </IconButton>
          <Microphone recorder={recorder} />
          <span className="tabular min-w-0 flex-1 truncate px-1 text-right text-xs text-muted-foreground">
            {hint(text, attachments, onceModel)}
          </span>
          {isRunning ? (
            <IconButton
              label={t('chat.composer.stop')}
              keys="Escape"
              look="primary"
              className="max-md:size-11"
              onClick={onStop}
            >
              <Square aria-hidden className="fill-current" />
            </IconButton>
          ) : (
            <IconButton
              label={t('chat.composer.send')}
              keys="Enter"
              type="submit"
              look="primary"
              className="max-md:size-11"
              disabled={!canSend || isOffline}
            >
              <ArrowUp aria-hidden />
            </IconButton>
          )}
        </div>
      </div>
    </form>
  )
}

function Refusals({ refused, onDismiss }: { refused: readonly Refused[]; onDismiss: () => void }) {
  const { t } = useTranslation()
  if (refused.length === 0) return null
  return (
    <div role="alert" className="flex items-start gap-2 rounded-md bg-warning/15 px-2 py-1.5 text-[0.8125rem]">
      <ul className="min-w-0 flex-1">
        {refused.map(({ name, why }) => (
          <li key={name} className="break-words">
            {t(`chat.refusal.${why}`, { name })}
          </li>
        ))}
      </ul>
      <Button size="sm" look="quiet" onClick={onDismiss}>
        {t('common.close')}
      </Button>
    </div>
  )
}
