import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, type User, useChange } from '../../../client/api.ts'
import { Button } from '../../../parts/button.tsx'
import { Code } from '../../../parts/copy.tsx'
import { Dialog } from '../../../parts/dialog.tsx'
import { Field, Input } from '../../../parts/field.tsx'
import { FormDialog } from '../../../parts/form-dialog.tsx'
import { RoleField } from './role-field.tsx'

interface InviteProps {
  onClose: () => void
  onInvited: (invited: Answer<'POST /users'>) => void
}

export function Invite({ onClose, onInvited }: InviteProps) {
  const { t } = useTranslation()
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const [role, setRole] = useState<User['role']>('user')
  const create = useChange('POST /users')
  return (
    <FormDialog
      onClose={onClose}
      title={t('settings.users.inviteTitle')}
      description={t('settings.users.inviteAbout')}
      action={t('settings.users.inviteAction')}
      isReady={email.trim() !== '' && name.trim() !== ''}
      isBusy={create.isPending}
      error={create.error}
      onSubmit={() => create.mutate({ body: { email, name: name.trim(), role } }, { onSuccess: onInvited })}
    >
      <Field label={t('settings.users.name')}>
        <Input required maxLength={100} autoFocus value={name} onChange={event => setName(event.target.value)} />
      </Field>
      <Field label={t('settings.users.email')}>
        <Input type="email" required maxLength={254} value={email} onChange={event => setEmail(event.target.value)} />
      </Field>
      <RoleField role={role} onChange={setRole} />
    </FormDialog>
  )
}

interface LinkProps {
  invited: Answer<'POST /users'>
  onClose: () => void
}

/** What the invited person opens; the token stands where no server or log gets to see it. */
export function InvitationLink({ invited: { user, invitation }, onClose }: LinkProps) {
  const { t } = useTranslation()
  if (invitation === null) return null
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('settings.users.link')}
      description={t('settings.users.linkAbout', { email: user.email })}
      footer={
        <Button look="primary" onClick={onClose}>
          {t('common.close')}
        </Button>
      }
    >
      <Code text={`${location.origin}/#invitation=${invitation}`} isSecret />
    </Dialog>
  )
}
