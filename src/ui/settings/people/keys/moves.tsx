import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { type Answer, type Key, useChange } from '../../../client/api.ts'
import { Confirm } from '../../../parts/dialog.tsx'
import { Field, Select } from '../../../parts/field.tsx'
import { FormDialog } from '../../../parts/form-dialog.tsx'

const graces = [0, 3_600, 86_400, 604_800, 2_592_000] as const

interface RotateProps {
  apiKey: Key
  onClose: () => void
  onMade: (made: Answer<'POST /keys'>) => void
}

export function Rotate({ apiKey: { id, name }, onClose, onMade }: RotateProps) {
  const { t, i18n } = useTranslation()
  const [graceSeconds, setGrace] = useState(3_600)
  const rotate = useChange('POST /keys/:id/rotate')
  const said = (seconds: number) => {
    if (seconds === 0) return t('settings.keys.graceNone')
    const [unit, value] = seconds < 86_400 ? (['hour', seconds / 3_600] as const) : (['day', seconds / 86_400] as const)
    return new Intl.NumberFormat(i18n.resolvedLanguage, { style: 'unit', unit, unitDisplay: 'long' }).format(value)
  }
  return (
    <FormDialog
      onClose={onClose}
      title={t('settings.keys.rotateTitle', { name })}
      description={t('settings.keys.rotateAbout')}
      action={t('settings.keys.rotate')}
      isBusy={rotate.isPending}
      error={rotate.error}
      onSubmit={() => rotate.mutate({ params: { id }, body: { graceSeconds } }, { onSuccess: onMade })}
    >
      <Field label={t('settings.keys.grace')}>
        <Select value={graceSeconds} onChange={event => setGrace(Number(event.target.value))}>
          {graces.map(seconds => (
            <option key={seconds} value={seconds}>
              {said(seconds)}
            </option>
          ))}
        </Select>
      </Field>
    </FormDialog>
  )
}

export function Revoke({ apiKey: { id, name }, onClose }: { apiKey: Key; onClose: () => void }) {
  const { t } = useTranslation()
  const revoke = useChange('DELETE /keys/:id')
  const done = () => {
    toast.success(t('settings.keys.revokedToast', { name }))
    onClose()
  }
  return (
    <Confirm
      isOpen
      isDangerous
      onClose={onClose}
      title={t('settings.keys.revokeTitle', { name })}
      description={t('settings.keys.revokeAbout')}
      action={t('settings.keys.revoke')}
      isBusy={revoke.isPending}
      error={revoke.error instanceof Error && revoke.error.message}
      onConfirm={() => revoke.mutate({ params: { id } }, { onSuccess: done })}
    />
  )
}
