import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { sends } from '../../client/preferences.ts'
import { Button } from '../../parts/button.tsx'
import type { Message } from '../../storage/documents.ts'
import { Attached } from '../composer/attached.tsx'
import { hasKeyboard } from '../composer/composer.tsx'
import { Plain } from '../markdown/plain.tsx'

interface PromptProps {
  message: Message
  isEdited: boolean
  onEdited: (text: string) => void
  onLeave: () => void
}

/** What a person has said; edited in its place. */
export function PromptBubble({ message, isEdited, onEdited, onLeave }: PromptProps) {
  const { text, attachments = [] } = message
  return (
    <div className="grid justify-items-end gap-2">
      <Attached attachments={attachments} />
      {isEdited ? (
        <Editor text={text} onDone={onEdited} onLeave={onLeave} />
      ) : (
        text !== '' && (
          <div className="max-w-[85%] rounded-2xl rounded-br-md bg-secondary px-4 py-2 text-secondary-foreground">
            <Plain text={text} />
          </div>
        )
      )}
    </div>
  )
}

function Editor({ text, onDone, onLeave }: { text: string; onDone: (text: string) => void; onLeave: () => void }) {
  const { t } = useTranslation()
  const [edited, setEdited] = useState(text)
  const box = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    box.current?.focus()
    box.current?.setSelectionRange(text.length, text.length)
  }, [text.length])
  const submit = () => edited.trim() !== '' && onDone(edited.trim())
  return (
    <form
      className="grid w-full gap-2 rounded-xl border border-input bg-card p-3"
      onSubmit={event => {
        event.preventDefault()
        submit()
      }}
    >
      <textarea
        ref={box}
        dir="auto"
        aria-label={t('chat.message.editLabel')}
        rows={Math.min(12, edited.split('\n').length + 1)}
        value={edited}
        onChange={event => setEdited(event.target.value)}
        onKeyDown={event => {
          if (event.nativeEvent.isComposing || event.keyCode === 229) return
          if (event.key === 'Escape') {
            event.preventDefault()
            onLeave()
          }
          if (hasKeyboard && !event.altKey && sends(event.nativeEvent)) {
            event.preventDefault()
            submit()
          }
        }}
        className="w-full resize-none bg-transparent outline-none"
      />
      <div className="flex items-center justify-end gap-2">
        <p className="flex-1 text-xs text-muted-foreground">{t('chat.message.editAbout')}</p>
        <Button size="sm" className="max-md:h-11" onClick={onLeave}>
          {t('common.cancel')}
        </Button>
        <Button size="sm" look="primary" type="submit" className="max-md:h-11" disabled={edited.trim() === ''}>
          {t('chat.composer.send')}
        </Button>
      </div>
    </form>
  )
}
