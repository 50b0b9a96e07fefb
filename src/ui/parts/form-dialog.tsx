import { type FormEvent, type ReactNode, useId } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

interface FormDialogProps {
  onClose: () => void
  title: ReactNode
  description?: ReactNode
  shape?: 'middle' | 'wide' | 'sheet'
  action: ReactNode
  isReady?: boolean
  isBusy: boolean
  error: unknown
  onSubmit: () => void
  children: ReactNode
}

/** Fields that are sent together; Enter sends them, and what was wrong with them is said above the buttons. */
export function FormDialog(props: FormDialogProps) {
  const { onClose, title, description, shape, action, isReady = true, isBusy, error, onSubmit, children } = props
  const { t } = useTranslation()
  const form = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isReady && !isBusy) onSubmit()
  }
  return (
    <Dialog
      isOpen
      {...{ onClose, title }}
      {...(description !== undefined && { description })}
      {...(shape !== undefined && { shape })}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form={form} look="primary" isBusy={isBusy} disabled={!isReady}>
            {action}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="grid gap-4">
        {children}
        {error !== undefined && error !== null && (
          <p role="alert" className="text-destructive">
            {error instanceof Error ? error.message : String(error)}
          </p>
        )}
      </form>
    </Dialog>
  )
}
