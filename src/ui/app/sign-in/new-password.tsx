import { useTranslation } from 'react-i18next'
import { Field } from '../../parts/field.tsx'
import { PasswordInput, passwordLength, Strength } from '../../parts/password.tsx'

interface NewPasswordProps {
  label?: string
  value: string
  onChange: (password: string) => void
  isFirst?: boolean
}

/** A password that is chosen now. It can be looked at, so it is asked for once. */
export function NewPassword({ label, value, onChange, isFirst }: NewPasswordProps) {
  const { t } = useTranslation()
  return (
    <div className="grid gap-2">
      <Field label={label ?? t('signIn.newPassword')}>
        <PasswordInput
          name="new-password"
          autoComplete="new-password"
          required
          minLength={passwordLength}
          maxLength={256}
          autoFocus={isFirst}
          className="h-11"
          value={value}
          onChange={event => onChange(event.target.value)}
        />
      </Field>
      <Strength password={value} />
    </div>
  )
}
