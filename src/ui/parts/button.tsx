import { Loader2 } from 'lucide-react'
import { Slot } from 'radix-ui'
import type { ComponentProps, ReactNode } from 'react'
import { cn } from './class.ts'
import { Tip } from './tip.tsx'

const looks = {
  primary: 'bg-primary text-primary-foreground hover:bg-[color-mix(in_oklab,var(--primary)_92%,black)]',
  secondary: 'border border-border bg-card text-foreground hover:bg-muted',
  quiet: 'text-foreground hover:bg-muted',
  danger: 'bg-destructive text-destructive-foreground hover:bg-[color-mix(in_oklab,var(--destructive)_92%,black)]',
} as const

const sizes = { sm: 'h-8 px-2.5 text-[0.8125rem]', md: 'h-9 px-3.5 max-md:h-11', lg: 'h-11 px-5 text-base' } as const

export interface ButtonProps extends ComponentProps<'button'> {
  look?: keyof typeof looks
  size?: keyof typeof sizes
  /** Drawn as its only child, like a link. */
  asChild?: boolean
  /** Work goes on: cannot be pressed again. */
  isBusy?: boolean
}

export function Button({
  look = 'secondary',
  size = 'md',
  asChild,
  isBusy,
  className,
  children,
  ...rest
}: ButtonProps) {
  const Tag = asChild ? Slot.Root : 'button'
  return (
    <Tag
      type={asChild ? undefined : 'button'}
      aria-busy={isBusy || undefined}
      {...rest}
      disabled={isBusy || rest.disabled}
      className={cn(
        'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors select-none disabled:opacity-50 [&_svg]:size-4 [&_svg]:shrink-0',
        looks[look],
        sizes[size],
        className,
      )}
    >
      {isBusy && !asChild ? (
        <>
          <Loader2 className="animate-spin" aria-hidden />
          {children}
        </>
      ) : (
        children
      )}
    </Tag>
  )
}

interface IconButtonProps extends Omit<ButtonProps, 'children' | 'aria-label'> {
  /** What it does; read aloud, and shown when pointed at. */
  label: string
  keys?: string
  children: ReactNode
}

export function IconButton({
  label,
  keys,
  look = 'quiet',
  size = 'md',
  className,
  children,
  ...rest
}: IconButtonProps) {
  return (
    <Tip text={label} keys={keys}>
      <Button
        {...rest}
        look={look}
        size={size}
        aria-label={label}
        className={cn('px-0', { sm: 'w-8', md: 'w-9 max-md:w-11', lg: 'w-11' }[size], className)}
      >
        {children}
      </Button>
    </Tip>
  )
}
