import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, type Key, useChange } from '../../../client/api.ts'
import { useMay } from '../../../client/session.ts'
import { FormDialog } from '../../../parts/form-dialog.tsx'
import { KeyFields } from './fields.tsx'
import { useToken } from './limits.ts'
import { bodyOf, formOf, isWritten, newKey, ownBodyOf } from './wish.ts'

interface NewKeyProps {
  onClose: () => void
  onMade: (made: Answer<'POST /keys'>) => void
}

export function NewKey({ onClose, onMade }: NewKeyProps) {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const decimals = useToken()?.decimals ?? 0
  const [form, setForm] = useState(newKey)
  const create = useChange('POST /keys')
  const submit = () => {
    const body = mayOperate ? bodyOf(form, decimals) : ownBodyOf(form)
    create.mutate({ body }, { onSuccess: onMade })
  }
  return (
    <FormDialog
      shape="sheet"
      onClose={onClose}
      title={t('settings.keys.new')}
      description={t('settings.keys.createAbout')}
      action={t('settings.keys.create')}
      isReady={form.name.trim() !== '' && isWritten(form, decimals)}
      isBusy={create.isPending}
      error={create.error}
      onSubmit={submit}
    >
      <KeyFields form={form} onChange={setForm} />
    </FormDialog>
  )
}

export function EditKey({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const decimals = useToken()?.decimals ?? 0
  const [form, setForm] = useState(() => formOf(apiKey, decimals))
  const update = useChange('PUT /keys/:id')
  const submit = () => {
    const body = mayOperate ? bodyOf(form, decimals, apiKey) : ownBodyOf(form)
    update.mutate({ params: { id: apiKey.id }, body }, { onSuccess: onClose })
  }
  return (
    <FormDialog
      shape="sheet"
      onClose={onClose}
      title={t('settings.keys.edit')}
      action={t('common.save')}
      isReady={form.name.trim() !== '' && isWritten(form, decimals)}
      isBusy={update.isPending}
      error={update.error}
      onSubmit={submit}
    >
      <KeyFields form={form} onChange={setForm} />
    </FormDialog>
  )
}
