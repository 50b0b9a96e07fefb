import { Check } from 'lucide-react'
import { Checkbox, Switch as RadixSwitch } from 'radix-ui'
import { type ComponentProps, cloneElement, type ReactElement, type ReactNode, useId } from 'react'
import { cn } from './class.ts'

interface FieldProps {
  label: ReactNode
  hint?: ReactNode
  /** What is wrong with the value. */
  error?: ReactNode
  className?: string
  children: ReactElement<{ id?: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }>
}

/** A control with its label, a hint, and what is wrong with it. */
export function Field({ label, hint, error, className, children }: FieldProps) {
  const id = useId()
  const about = `${id}-about`
  return (
    <div className={cn('grid content-start gap-1.5', className)}>
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {cloneElement(children, {
        id,
        ...((hint || error) && { 'aria-describedby': about }),
        ...(error ? { 'aria-invalid': true } : {}),
      })}
      {(hint || error) && (
        <p id={about} className={cn('text-[0.8125rem] text-muted-foreground', error && 'text-destructive')}>
          {error || hint}
        </p>
      )}
    </div>
  )
}

const box =
  'w-full rounded-md border border-input bg-card px-3 text-foreground placeholder:text-muted-foreground disabled:opacity-60 aria-invalid:border-destructive'

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input autoComplete="off" spellCheck={false} {...rest} className={cn(box, 'h-9 max-md:h-11', className)} />
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea {...rest} className={cn(box, 'min-h-20 py-2', className)} />
}

/** The browser's own: best with keyboards, phones and screen readers. */
export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <select {...rest} className={cn(box, 'h-9 pr-1 pl-2 max-md:h-11', className)}>
      {children}
    </select>
  )
}

interface ToggleProps {
  label: ReactNode
  hint?: ReactNode
  checked: boolean
  disabled?: boolean
  onChange: (checked: boolean) => void
}

export function Switch({ label, hint, checked, disabled, onChange }: ToggleProps) {
  const id = useId()
  return (
    <div className="flex items-start justify-between gap-4">
      <label htmlFor={id} className="grid gap-0.5">
        <span className="font-medium">{label}</span>
        {hint && <span className="text-[0.8125rem] text-muted-foreground">{hint}</span>}
      </label>
      <RadixSwitch.Root
        id={id}
        checked={checked}
        disabled={disabled}
        onCheckedChange={onChange}
        className="relative mt-0.5 h-5 w-9 shrink-0 rounded-full border border-input bg-muted transition-colors disabled:opacity-50 data-[state=checked]:border-primary data-[state=checked]:bg-primary"
      >
        <RadixSwitch.Thumb className="block size-3.5 translate-x-0.5 rounded-full bg-foreground transition-transform data-[state=checked]:translate-x-[1.125rem] data-[state=checked]:bg-primary-foreground" />
      </RadixSwitch.Root>
    </div>
  )
}

export function Tick({ label, checked, disabled, onChange }: Omit<ToggleProps, 'hint'>) {
  const id = useId()
  return (
    <div className="flex items-center gap-2">
      <Checkbox.Root
        id={id}
        checked={checked}
        disabled={disabled}
        onCheckedChange={value => onChange(value === true)}
        className="flex size-4.5 shrink-0 items-center justify-center rounded border border-input bg-card disabled:opacity-50 data-[state=checked]:border-primary data-[state=checked]:bg-primary"
      >
        <Checkbox.Indicator>
          <Check className="size-3.5 text-primary-foreground" aria-hidden />
        </Checkbox.Indicator>
      </Checkbox.Root>
      <label htmlFor={id}>{label}</label>
    </div>
  )
}
