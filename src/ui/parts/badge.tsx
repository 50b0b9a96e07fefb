import type { ReactNode } from 'react'
import { cn } from './class.ts'

const tones = {
  neutral: 'bg-secondary text-secondary-foreground',
  good: 'bg-success/12 text-success',
  warning: 'bg-warning/15 text-warning',
  bad: 'bg-destructive/12 text-destructive',
  accent: 'bg-accent text-accent-foreground',
} as const

export type Tone = keyof typeof tones

export function Badge({
  tone = 'neutral',
  className,
  children,
}: {
  tone?: Tone
  className?: string
  children: ReactNode
}) {
  return (
    <span
      className={cn(
        'inline-flex items-center gap-1 rounded px-1.5 py-0.5 text-xs font-medium whitespace-nowrap [&_svg]:size-3',
        tones[tone],
        className,
      )}
    >
      {children}
    </span>
  )
}

const dots = {
  neutral: 'bg-muted-foreground',
  good: 'bg-success',
  warning: 'bg-warning',
  bad: 'bg-destructive',
  accent: 'bg-primary',
} as const

/** A dot of colour; the words beside it say the same. */
export function Dot({ tone }: { tone: Tone }) {
  return <span aria-hidden className={cn('inline-block size-2 shrink-0 rounded-full', dots[tone])} />
}
