import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type User, useChange } from '../../../client/api.ts'
import { useSession } from '../../../client/session.ts'
import { Field, Input } from '../../../parts/field.tsx'
import { FormDialog } from '../../../parts/form-dialog.tsx'
import { RoleField } from './role-field.tsx'

/** Thousandths are kept, percent are typed. */
const thousandthsInPercent = 10

export function EditUser({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation()
  const me = useSession(session => session.me?.user?.id)
  const [name, setName] = useState(user.name)
  const [role, setRole] = useState(user.role)
  const [price, setPrice] = useState(() => String(user.priceMultiplier / thousandthsInPercent))
  const update = useChange('PUT /users/:id')
  const priceMultiplier = Math.round(Number(price.replace(',', '.')) * thousandthsInPercent)
  const submit = () =>
    update.mutate(
      { params: { id: user.id }, body: { name: name.trim(), role, priceMultiplier } },
      { onSuccess: onClose },
    )
  return (
    <FormDialog
      onClose={onClose}
      title={t('settings.users.edit')}
      description={user.email}
      action={t('common.save')}
      isReady={name.trim() !== '' && priceMultiplier >= 0}
      isBusy={update.isPending}
      error={update.error}
      onSubmit={submit}
    >
      <Field label={t('settings.users.name')}>
        <Input required maxLength={100} value={name} onChange={event => setName(event.target.value)} />
      </Field>
      {user.id !== me && <RoleField role={role} onChange={setRole} />}
      <Field label={t('settings.users.multiplier')} hint={t('settings.users.multiplierHint')}>
        <Input inputMode="decimal" required value={price} onChange={event => setPrice(event.target.value)} />
      </Field>
    </FormDialog>
  )
}
