import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import type { User } from '../../../client/api.ts'
import { cn } from '../../../parts/class.ts'

const roles = ['user', 'viewer', 'operator', 'admin'] as const

/** One of the roles, each with what it may. */
export function RoleField({ role, onChange }: { role: User['role']; onChange: (role: User['role']) => void }) {
  const { t } = useTranslation()
  const name = useId()
  return (
    <fieldset className="grid gap-1.5">
      <legend className="mb-1.5 font-medium">{t('settings.users.role')}</legend>
      {roles.map(each => (
        <label
          key={each}
          className={cn(
            'flex cursor-pointer items-start gap-3 rounded-md border px-3 py-2 has-focus-visible:outline-2 has-focus-visible:outline-ring',
            each === role && 'border-primary bg-accent text-accent-foreground',
          )}
        >
          <input
            type="radio"
            name={name}
            value={each}
            checked={each === role}
            onChange={() => onChange(each)}
            className="mt-1 accent-primary"
          />
          <span className="grid">
            <span className="font-medium">{t(`settings.users.roles.${each}`)}</span>
            <span className={cn('text-[0.8125rem]', each !== role && 'text-muted-foreground')}>
              {t(`settings.users.rights.${each}`)}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}
