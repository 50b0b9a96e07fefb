import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../client/api.ts'
import { Field, Input } from '../../parts/field.tsx'
import { PasswordInput } from '../../parts/password.tsx'
import { Sheet, Way } from './frame.tsx'
import { neededCode, useEnter, useWork } from './work.ts'

/** E-mail and password, then the code of a second factor where there is one. */
export function Login({ notice, others }: { notice?: ReactNode; others: ReactNode }) {
  const { t } = useTranslation()
  const { isBusy, error, run } = useWork()
  const goIn = useEnter()
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [needed, setNeeded] = useState<'totp' | 'mail_code'>()
  const logIn = (code?: string) =>
    run(async () => {
      try {
        await goIn(await api('POST /auth/login', { body: { email, password, cookie: true, ...(code && { code }) } }))
      } catch (cause) {
        const needs = neededCode(cause)
        if (needs === undefined) throw cause
        setNeeded(needs)
      }
    })
  if (needed !== undefined) {
    const back = () => {
      setNeeded(undefined)
      setPassword('')
    }
    return <CodeStep {...{ needed, isBusy, error, back }} onCode={code => void logIn(code)} />
  }
  return (
    <Sheet
      title={t('signIn.title')}
      notice={notice}
      action={t('signIn.enter')}
      {...{ isBusy, error, others }}
      onSubmit={() => void logIn()}
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
      <Field label={t('signIn.password')}>
        <PasswordInput
          name="password"
          autoComplete="current-password"
          required
          className="h-11"
          value={password}
          onChange={event => setPassword(event.target.value)}
        />
      </Field>
    </Sheet>
  )
}

interface CodeStepProps {
  needed: 'totp' | 'mail_code'
  isBusy: boolean
  error: unknown
  back: () => void
  onCode: (code: string) => void
}

function CodeStep({ needed, isBusy, error, back, onCode }: CodeStepProps) {
  const { t } = useTranslation()
  const [code, setCode] = useState('')
  return (
    <Sheet
      title={t('signIn.code')}
      about={t(needed === 'totp' ? 'signIn.codeApp' : 'signIn.codeMail')}
      action={t('signIn.enter')}
      {...{ isBusy, error }}
      onSubmit={() => onCode(code.trim())}
      others={<Way onClick={back}>{t('signIn.toLogin')}</Way>}
    >
      <CodeField value={code} onChange={setCode} />
    </Sheet>
  )
}

/** For digits that come from elsewhere. */
export function CodeField({ value, onChange }: { value: string; onChange: (code: string) => void }) {
  const { t } = useTranslation()
  return (
    <Field label={t('signIn.codeField')}>
      <Input
        name="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        autoFocus
        maxLength={32}
        className="h-12 text-center font-mono text-xl tracking-[0.3em]"
        value={value}
        onChange={event => onChange(event.target.value)}
      />
    </Field>
  )
}
