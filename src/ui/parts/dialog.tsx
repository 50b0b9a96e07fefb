import { X } from 'lucide-react'
import { Dialog as Radix } from 'radix-ui'
import { type ReactNode, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button, IconButton } from './button.tsx'
import { cn } from './class.ts'
import { Field, Input } from './field.tsx'
import { focusAgain, openerNow } from './opener.ts'

interface DialogProps {
  isOpen: boolean
  onClose: () => void
  title: ReactNode
  description?: ReactNode
  /** `sheet` comes from the side and is as high as the window. */
  shape?: 'middle' | 'wide' | 'sheet'
  footer?: ReactNode
  children?: ReactNode
}

export function Dialog({ isOpen, onClose, title, description, shape = 'middle', footer, children }: DialogProps) {
  const { t } = useTranslation()
  const opener = useRef<HTMLElement>(undefined)
  return (
    <Radix.Root open={isOpen} onOpenChange={open => open || onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/50" />
        <Radix.Content
          {...(description === undefined && { 'aria-describedby': undefined })}
          tabIndex={-1}
          onOpenAutoFocus={event => {
            opener.current = openerNow()
            focusFirst(event)
          }}
          onCloseAutoFocus={event => {
            event.preventDefault()
            focusAgain(opener.current)
          }}
          className={cn(
            'fixed z-40 flex flex-col border border-border bg-popover text-popover-foreground focus:outline-none',
            shape === 'sheet'
              ? 'inset-y-0 right-0 w-full max-w-xl border-y-0 border-r-0'
              : 'top-1/2 left-1/2 max-h-[calc(100dvh-2rem)] w-[calc(100%-2rem)] -translate-x-1/2 -translate-y-1/2 rounded-lg',
            shape === 'middle' && 'max-w-lg',
            shape === 'wide' && 'max-w-4xl',
          )}
        >
          <header className="flex items-start justify-between gap-4 px-5 pt-4 pb-3">
            <div className="grid gap-1">
              <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
              {description !== undefined && (
                <Radix.Description className="text-muted-foreground">{description}</Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton label={t('common.close')} size="sm" className="-mt-1 -mr-2">
                <X aria-hidden />
              </IconButton>
            </Radix.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-5">{children}</div>
          {footer && <footer className="flex justify-end gap-2 border-t px-5 py-3">{footer}</footer>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** The first field, else the dialog itself: its button to close it would begin with a tooltip. */
function focusFirst(event: Event): void {
  event.preventDefault()
  const box = event.currentTarget as HTMLElement
  const field = matchMedia('(pointer: fine)').matches ? box.querySelector<HTMLElement>(fields) : null
  const target = field ?? box
  target.focus()
}

const fields = 'input:not([type=hidden], :disabled), textarea:not(:disabled), select:not(:disabled)'

interface ConfirmProps {
  isOpen: boolean
  onClose: () => void
  title: ReactNode
  description?: ReactNode
  action: ReactNode
  /** What has to be typed first, for what cannot be taken back. */
  typed?: string
  isDangerous?: boolean
  isBusy?: boolean
  error?: ReactNode
  onConfirm: () => void
  children?: ReactNode
}

export function Confirm(props: ConfirmProps) {
  const { isOpen, onClose, title, description, action, typed, isDangerous, isBusy, error, onConfirm, children } = props
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const isReady = typed === undefined || text.trim() === typed
  return (
    <Dialog
      {...{ isOpen, onClose, title, description }}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look={isDangerous ? 'danger' : 'primary'} isBusy={isBusy} disabled={!isReady} onClick={onConfirm}>
            {action}
          </Button>
        </>
      }
    >
      <div className="grid gap-3">
        {children}
        {typed !== undefined && (
          <Field label={t('common.typeToConfirm', { text: typed })}>
            <Input value={text} onChange={event => setText(event.target.value)} />
          </Field>
        )}
        {error && <p className="text-destructive">{error}</p>}
      </div>
    </Dialog>
  )
}
