import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field, Input } from '../../parts/field.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { useSecretChange } from '../shared/secret-change.ts'
import { isFine, NewSecretFields, noSecret } from './new-secret.tsx'

export function CreateWallet({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [secret, setSecret] = useState(noSecret)
  const create = useSecretChange('POST /wallet', ['/wallet', '/escrow', '/status', '/selling'])
  const submit = () => {
    const body = { password: secret.first, ...(name !== '' && { name }) }
    create.send({ body }, onClose)
    setSecret(noSecret)
  }
  return (
    <FormDialog
      onClose={onClose}
      title={t('money.wallet.create')}
      description={t('money.wallet.createAbout')}
      action={t('money.wallet.createAction')}
      isReady={isFine(secret)}
      isBusy={create.isPending}
      error={create.error}
      onSubmit={submit}
    >
      <Field label={t('money.wallet.walletName')} hint={t('money.wallet.walletNameHint')}>
        <Input
          placeholder="default"
          pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
          value={name}
          onChange={event => setName(event.target.value)}
        />
      </Field>
      <NewSecretFields label={t('money.wallet.password')} value={secret} onChange={setSecret} />
    </FormDialog>
  )
}
