import { CircleCheck } from 'lucide-react'
import { type FormEvent, type ReactNode, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'
import { Short } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field, Input } from '../../parts/field.tsx'

interface MoneyDialogProps {
  isOpen: boolean
  onClose: () => void
  title: string
  /** What it does, in a sentence. */
  about: string
  action: string
  isDangerous?: boolean
  /** What has to be typed, for what is a lot or cannot be taken back. */
  typed?: string | undefined
  isReady?: boolean
  isBusy: boolean
  error: unknown
  /** What came of it; null where nothing had to be sent. */
  done?: { readonly transaction: string | null; readonly note?: ReactNode } | undefined
  onConfirm: () => void
  children?: ReactNode
}

/** Asks before money moves, says why it could not, and where it can be looked up afterwards. */
export function MoneyDialog(props: MoneyDialogProps) {
  const { isOpen, onClose, title, about, action, isDangerous, typed, isReady = true, children } = props
  const { isBusy, error, done, onConfirm } = props
  const { t } = useTranslation()
  const form = useId()
  const [text, setText] = useState('')
  const isAgreed = typed === undefined || text.trim().replace(',', '.') === typed
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isAgreed && isReady && !isBusy) onConfirm()
  }
  if (done !== undefined) return <Done {...{ isOpen, onClose, title, done }} />
  return (
    <Dialog
      {...{ isOpen, onClose, title }}
      description={about}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            type="submit"
            form={form}
            look={isDangerous ? 'danger' : 'primary'}
            isBusy={isBusy}
            disabled={!isAgreed || !isReady}
          >
            {action}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="grid gap-4">
        {children}
        {typed !== undefined && (
          <Field label={t('common.typeToConfirm', { text: typed })}>
            <Input value={text} onChange={event => setText(event.target.value)} />
          </Field>
        )}
        {error !== undefined && error !== null && (
          <p role="alert" className="text-destructive">
            {error instanceof Error ? error.message : String(error)}
          </p>
        )}
      </form>
    </Dialog>
  )
}

type DoneProps = Pick<MoneyDialogProps, 'isOpen' | 'onClose' | 'title'> & {
  done: NonNullable<MoneyDialogProps['done']>
}

function Done({ isOpen, onClose, title, done: { transaction, note } }: DoneProps) {
  const { t } = useTranslation()
  return (
    <Dialog
      {...{ isOpen, onClose, title }}
      footer={
        <Button look="primary" autoFocus onClick={onClose}>
          {t('money.done')}
        </Button>
      }
    >
      <div role="status" className="grid gap-3">
        <p className="flex items-center gap-2 font-medium">
          <CircleCheck aria-hidden className="size-5 text-success" />
          {t('money.sent')}
        </p>
        {note}
        {transaction === null ? (
          <p className="text-muted-foreground">{t('money.nothingSent')}</p>
        ) : (
          <div className="flex flex-wrap items-center gap-x-3">
            <span className="text-muted-foreground">{t('money.transaction')}</span>
            <Short text={transaction} />
          </div>
        )}
      </div>
    </Dialog>
  )
}
