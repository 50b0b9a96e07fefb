import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { useChange } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field, Input, TextArea } from '../../parts/field.tsx'
import { Failed } from '../../parts/states.tsx'
import { providerParts } from '../providers/new-provider.ts'
import { PlanView, useTrial } from './dialogs.tsx'

const fields = ['schema', 'providers', 'endpoints', 'routing'] as const

/** From a file or the clipboard: checked, told what it would change, and then run. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [name, setName] = useState('')
  const [checked, setChecked] = useState<unknown>()
  const [fault, setFault] = useState<string>()
  const trial = useTrial(checked, checked !== undefined)
  const run = useChange('POST /configs/import', providerParts)
  const type = (next: string) => {
    setText(next)
    setChecked(undefined)
    setFault(undefined)
    run.reset()
  }
  const check = () => {
    try {
      const document = JSON.parse(text) as unknown
      const missing = fields.find(field => !Object.hasOwn(Object(document) as object, field))
      if (missing === undefined) setChecked(document)
      else setFault(t('node.profiles.notProfile', { field: missing }))
    } catch (error) {
      setFault(t('node.profiles.notJson', { why: error instanceof Error ? error.message : '' }))
    }
  }
  const apply = () =>
    run.mutate(
      { body: { config: checked as never, ...(name.trim() !== '' && { name: name.trim() }) } },
      {
        onSuccess: () => {
          toast.success(t('node.profiles.imported'))
          onClose()
        },
      },
    )
  const isReady = trial.changes !== undefined && trial.error === null
  return (
    <Dialog
      isOpen
      onClose={onClose}
      shape="wide"
      title={t('node.profiles.importTitle')}
      description={t('node.profiles.importAbout')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          {isReady ? (
            <Button look="primary" isBusy={run.isPending} onClick={apply}>
              {t('node.profiles.apply')}
            </Button>
          ) : (
            <Button look="primary" isBusy={trial.isBusy} disabled={text.trim() === ''} onClick={check}>
              {t('node.profiles.check')}
            </Button>
          )}
        </>
      }
    >
      <div className="grid gap-4">
        <div className="grid gap-4 md:grid-cols-2">
          <Field label={t('node.profiles.file')}>
            <Input
              type="file"
              accept="application/json,.json"
              className="py-1.5"
              onChange={({ target }) => void target.files?.[0]?.text().then(type)}
            />
          </Field>
          <Field label={t('node.profiles.name')}>
            <Input value={name} maxLength={100} onChange={({ target }) => setName(target.value)} />
          </Field>
        </div>
        <Field label={t('node.profiles.paste')} error={fault}>
          <TextArea
            className="min-h-40 font-mono text-xs"
            spellCheck={false}
            value={text}
            onChange={({ target }) => type(target.value)}
          />
        </Field>
        <PlanView {...trial} />
        {run.error !== null && <Failed error={run.error} />}
      </div>
    </Dialog>
  )
}
