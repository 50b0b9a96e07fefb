import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type User, useChange } from '../../../client/api.ts'
import { Confirm } from '../../../parts/dialog.tsx'
import { Field } from '../../../parts/field.tsx'
import { FormDialog } from '../../../parts/form-dialog.tsx'
import { PasswordInput, passwordLength, Strength } from '../../../parts/password.tsx'

interface MoveProps {
  user: User
  onClose: () => void
}

export function SetPassword({ user: { id, name }, onClose }: MoveProps) {
  const { t } = useTranslation()
  const [password, setPassword] = useState('')
  const update = useChange('PUT /users/:id')
  return (
    <FormDialog
      onClose={onClose}
      title={t('settings.users.setPassword')}
      description={t('settings.users.setPasswordAbout', { name })}
      action={t('common.save')}
      isReady={password.length >= passwordLength}
      isBusy={update.isPending}
      error={update.error}
      onSubmit={() => update.mutate({ params: { id }, body: { password } }, { onSuccess: onClose })}
    >
      <Field label={t('settings.users.newPassword')}>
        <PasswordInput
          required
          autoComplete="new-password"
          value={password}
          onChange={event => setPassword(event.target.value)}
        />
      </Field>
      <Strength password={password} />
    </FormDialog>
  )
}

export function DisableUser({ user: { id, name }, onClose }: MoveProps) {
  const { t } = useTranslation()
  const update = useChange('PUT /users/:id')
  return (
    <Confirm
      isOpen
      isDangerous
      onClose={onClose}
      title={t('settings.users.disableTitle', { name })}
      description={t('settings.users.disableAbout')}
      action={t('settings.users.disable')}
      isBusy={update.isPending}
      error={update.error instanceof Error && update.error.message}
      onConfirm={() => update.mutate({ params: { id }, body: { status: 'disabled' } }, { onSuccess: onClose })}
    />
  )
}

export function RemoveUser({ user: { id, email }, onClose }: MoveProps) {
  const { t } = useTranslation()
  const remove = useChange('DELETE /users/:id', ['/users', '/keys', '/budgets'])
  return (
    <Confirm
      isOpen
      isDangerous
      typed={email}
      onClose={onClose}
      title={t('settings.users.remove')}
      description={t('settings.users.removeAbout')}
      action={t('settings.users.remove')}
      isBusy={remove.isPending}
      error={remove.error instanceof Error && remove.error.message}
      onConfirm={() => remove.mutate({ params: { id } }, { onSuccess: onClose })}
    />
  )
}
