import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field, Input } from '../../parts/field.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { PasswordInput } from '../../parts/password.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { useSecretChange } from '../shared/secret-change.ts'
import { isFine, NewSecretFields, noSecret } from './new-secret.tsx'

type Kind = 'keystore' | 'key'
const nothing = { name: '', keystore: '', keystorePassword: '', privateKey: '' }

/** What was typed is sent once and forgotten, whatever comes of it. */
export function ImportWallet({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [kind, setKind] = useState<Kind>('keystore')
  const [given, setGiven] = useState(nothing)
  const [secret, setSecret] = useState(noSecret)
  const take = useSecretChange('POST /wallet/import', ['/wallet', '/escrow', '/status', '/selling'])
  const put = (change: Partial<typeof nothing>) => setGiven(before => ({ ...before, ...change }))
  const hasSource = kind === 'keystore' ? given.keystore !== '' : given.privateKey.trim() !== ''
  const submit = () => {
    const { name, keystore, keystorePassword, privateKey } = given
    const source = kind === 'keystore' ? { keystore, keystorePassword } : { privateKey: privateKey.trim() }
    const body = { ...source, password: secret.first, ...(name !== '' && { name }) }
    take.send({ body }, onClose)
    setGiven({ ...nothing, name })
    setSecret(noSecret)
  }
  const keystore = (
    <div className="grid gap-4">
      <Field label={t('money.wallet.importFile')} hint={t('money.wallet.importFileHint')}>
        <Input
          // A file that was forgotten is chosen anew.
          key={take.tries}
          type="file"
          accept=".json,application/json,text/plain"
          className="h-auto py-1.5 file:mr-3 file:rounded file:border-0 file:bg-secondary file:px-2 file:py-1 file:text-foreground"
          onChange={event => void textOf(event.target.files?.[0]).then(text => put({ keystore: text }))}
        />
      </Field>
      <Field label={t('money.wallet.importFilePassword')}>
        <PasswordInput
          value={given.keystorePassword}
          onChange={event => put({ keystorePassword: event.target.value })}
        />
      </Field>
    </div>
  )
  const key = (
    <Field label={t('money.wallet.importPrivateKey')} hint={t('money.wallet.importPrivateKeyHint')}>
      <PasswordInput
        className="font-mono"
        value={given.privateKey}
        onChange={event => put({ privateKey: event.target.value })}
      />
    </Field>
  )
  return (
    <FormDialog
      onClose={onClose}
      title={t('money.wallet.importTitle')}
      description={t('money.wallet.importAbout')}
      action={t('money.wallet.import')}
      isReady={isFine(secret) && hasSource}
      isBusy={take.isPending}
      error={take.error}
      onSubmit={submit}
    >
      <Tabs
        label={t('money.wallet.importTitle')}
        value={kind}
        onChange={id => {
          setKind(id as Kind)
          setGiven(nothing)
        }}
        tabs={[
          { id: 'keystore', label: t('money.wallet.importKeystore'), content: keystore },
          { id: 'key', label: t('money.wallet.importKey'), content: key },
        ]}
      />
      <Field label={t('money.wallet.walletName')} hint={t('money.wallet.walletNameHint')}>
        <Input
          placeholder="default"
          pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
          value={given.name}
          onChange={event => put({ name: event.target.value })}
        />
      </Field>
      <NewSecretFields label={t('money.wallet.importNew')} value={secret} onChange={setSecret} />
    </FormDialog>
  )
}

async function textOf(file: File | undefined): Promise<string> {
  return (await file?.text()) ?? ''
}
