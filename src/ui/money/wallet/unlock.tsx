import { Lock } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Field } from '../../parts/field.tsx'
import { Card } from '../../parts/page.tsx'
import { PasswordInput } from '../../parts/password.tsx'
import { useSecretChange } from '../shared/secret-change.ts'

export function Unlock() {
  const { t } = useTranslation()
  const mayUnlock = useMay('admin')
  const [password, setPassword] = useState('')
  const unlock = useSecretChange('POST /wallet/unlock', ['/wallet', '/escrow', '/status', '/selling'])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    unlock.send({ body: { password } })
    setPassword('')
  }
  return (
    <Card className="grid gap-3 border-warning/40">
      <div className="flex gap-3">
        <Lock aria-hidden className="mt-0.5 size-4 shrink-0 text-warning" />
        <div className="grid gap-0.5">
          <h2 className="font-medium">{t('money.wallet.locked')}</h2>
          <p className="text-muted-foreground">{t('money.wallet.lockedAbout')}</p>
        </div>
      </div>
      {mayUnlock ? (
        <form onSubmit={submit} className="flex max-w-lg items-end gap-2 pl-7">
          <Field className="flex-1" label={t('money.wallet.password')} error={unlock.error?.message}>
            <PasswordInput
              required
              autoComplete="off"
              value={password}
              onChange={event => setPassword(event.target.value)}
            />
          </Field>
          <Button type="submit" look="primary" isBusy={unlock.isPending}>
            {t('money.wallet.unlock')}
          </Button>
        </form>
      ) : (
        <p className="pl-7 text-muted-foreground">{t('money.adminOnly')}</p>
      )}
    </Card>
  )
}
