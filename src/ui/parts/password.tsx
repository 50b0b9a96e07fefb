import { Eye, EyeOff } from 'lucide-react'
import { type ComponentProps, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from './class.ts'
import { Input } from './field.tsx'

/** The least a password has; the node checks it as well. */
export const passwordLength = 10

/** A field for a password that can be looked at. */
export function PasswordInput({ className, ...rest }: ComponentProps<'input'>) {
  const { t } = useTranslation()
  const [isShown, setIsShown] = useState(false)
  const Icon = isShown ? EyeOff : Eye
  return (
    <div className="relative">
      <Input {...rest} type={isShown ? 'text' : 'password'} className={cn('pr-10', className)} />
      <button
        type="button"
        aria-label={isShown ? t('common.hidePassword') : t('common.showPassword')}
        aria-pressed={isShown}
        onClick={() => setIsShown(!isShown)}
        className="absolute inset-y-0 right-0 flex w-10 items-center justify-center rounded-r-md text-muted-foreground hover:text-foreground"
      >
        <Icon aria-hidden className="size-4" />
      </button>
    </div>
  )
}

const grades = ['short', 'weak', 'fair', 'strong'] as const

/** How long a guess would take, roughly: by length and by kinds of characters. */
export function gradeOf(password: string): (typeof grades)[number] {
  if (password.length < passwordLength) return 'short'
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z\d]/].filter(kind => kind.test(password)).length
  const different = new Set(password).size
  const bits = Math.min(password.length, different * 2) * (2 + kinds)
  if (bits < 50) return 'weak'
  return bits < 75 ? 'fair' : 'strong'
}

const colours = { short: 'bg-destructive', weak: 'bg-destructive', fair: 'bg-warning', strong: 'bg-success' } as const

/** Says what the password is worth while it is typed. */
export function Strength({ password }: { password: string }) {
  const { t } = useTranslation()
  const grade = gradeOf(password)
  const level = password === '' ? 0 : grades.indexOf(grade) + 1
  return (
    <div className="flex items-center gap-2 text-[0.8125rem] text-muted-foreground">
      <span aria-hidden className="flex flex-1 gap-1">
        {grades.map((name, at) => (
          <span key={name} className={cn('h-1 flex-1 rounded-full bg-secondary', at < level && colours[grade])} />
        ))}
      </span>
      <span aria-live="polite" className="min-w-36 text-right">
        {password === '' || grade === 'short'
          ? t('common.password.short', { count: passwordLength })
          : t(`common.password.${grade}`)}
      </span>
    </div>
  )
}
