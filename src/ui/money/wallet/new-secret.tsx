import { useTranslation } from 'react-i18next'
import { Field } from '../../parts/field.tsx'
import { PasswordInput, passwordLength, Strength } from '../../parts/password.tsx'

export interface NewSecret {
  readonly first: string
  readonly again: string
}

export const noSecret: NewSecret = { first: '', again: '' }

export function isFine({ first, again }: NewSecret): boolean {
  return first.length >= passwordLength && first === again
}

interface NewSecretProps {
  label: string
  value: NewSecret
  onChange: (value: NewSecret) => void
}

/** A password nobody can give back: it is typed twice. */
export function NewSecretFields({ label, value, onChange }: NewSecretProps) {
  const { t } = useTranslation()
  const { first, again } = value
  return (
    <>
      <div className="grid gap-2">
        <Field label={label} hint={t('money.wallet.passwordWarning')}>
          <PasswordInput
            required
            autoComplete="new-password"
            value={first}
            onChange={event => onChange({ ...value, first: event.target.value })}
          />
        </Field>
        <Strength password={first} />
      </div>
      <Field
        label={t('money.wallet.passwordAgain')}
        error={again !== '' && first !== again && t('money.wallet.passwordDiffers')}
      >
        <PasswordInput
          required
          autoComplete="new-password"
          value={again}
          onChange={event => onChange({ ...value, again: event.target.value })}
        />
      </Field>
    </>
  )
}
