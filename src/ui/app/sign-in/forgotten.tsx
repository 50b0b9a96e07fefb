import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../client/api.ts'
import { Field, Input } from '../../parts/field.tsx'
import { Sheet, Way } from './frame.tsx'
import { CodeField } from './login.tsx'
import { NewPassword } from './new-password.tsx'
import { useEnter, useWork } from './work.ts'

/** A new password by a code that is sent to the address. */
export function Forgotten({ onBack }: { onBack: () => void }) {
  const { t } = useTranslation()
  const { isBusy, error, run } = useWork()
  const goIn = useEnter()
  const [email, setEmail] = useState('')
  const [isSent, setIsSent] = useState(false)
  const [code, setCode] = useState('')
  const [password, setPassword] = useState('')
  const ask = () =>
    run(async () => {
      await api('POST /auth/password/forgot', { body: { email } })
      setIsSent(true)
    })
  const reset = () =>
    run(async () => {
      await api('POST /auth/password/reset', { body: { email, code: code.trim(), password } })
      try {
        await goIn(await api('POST /auth/login', { body: { email, password, cookie: true } }))
      } catch {
        // Whoever has a second factor gives its code at the usual door.
        onBack()
      }
    })
  const others = <Way onClick={onBack}>{t('signIn.toLogin')}</Way>
  if (isSent) {
    return (
      <Sheet
        title={t('signIn.reset')}
        about={t('signIn.resetAbout', { email })}
        action={t('signIn.resetAction')}
        {...{ isBusy, error, others }}
        onSubmit={() => void reset()}
      >
        <CodeField value={code} onChange={setCode} />
        <NewPassword value={password} onChange={setPassword} />
      </Sheet>
    )
  }
  return (
    <Sheet
      title={t('signIn.forgotten')}
      about={t('signIn.forgottenAbout')}
      action={t('signIn.send')}
      {...{ isBusy, error, others }}
      onSubmit={() => void ask()}
    >
      <Field label={t('signIn.email')}>
        <Input
          type="email"
          name="email"
          autoComplete="username"
          required
          autoFocus
          className="h-11"
          value={email}
          onChange={event => setEmail(event.target.value)}
        />
      </Field>
    </Sheet>
  )
}
