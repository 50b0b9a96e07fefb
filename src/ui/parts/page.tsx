import type { ReactNode } from 'react'
import { cn } from './class.ts'

interface PageProps {
  title: ReactNode
  /** One line: what this page answers. */
  about?: ReactNode
  actions?: ReactNode
  isNarrow?: boolean
  children: ReactNode
}

/** A page of the dashboard. */
export function Page({ title, about, actions, isNarrow, children }: PageProps) {
  return (
    <div className="h-full overflow-y-auto">
      <div
        className={cn(
          'mx-auto grid w-full grid-cols-[minmax(0,1fr)] gap-5 px-4 py-5 md:px-8 md:py-7',
          isNarrow ? 'max-w-3xl' : 'max-w-7xl',
        )}
      >
        <header className="flex flex-wrap items-start justify-between gap-3">
          <div className="grid min-w-0 flex-1 basis-64 gap-1">
            <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
            {about && <p className="max-w-prose text-pretty text-muted-foreground">{about}</p>}
          </div>
          {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
        </header>
        {children}
      </div>
    </div>
  )
}

interface SectionProps {
  title?: ReactNode
  about?: ReactNode
  actions?: ReactNode
  className?: string
  children: ReactNode
}

export function Section({ title, about, actions, className, children }: SectionProps) {
  return (
    <section className={cn('grid content-start gap-3', className)}>
      {(title || actions) && (
        <header className="flex flex-wrap items-center justify-between gap-2">
          <div className="grid gap-0.5">
            {title && <h2 className="text-base font-semibold">{title}</h2>}
            {about && <p className="max-w-prose text-pretty text-muted-foreground">{about}</p>}
          </div>
          {actions && <div className="flex gap-2">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  )
}

export function Card({ className, children }: { className?: string; children: ReactNode }) {
  return <div className={cn('rounded-lg border bg-card p-4', className)}>{children}</div>
}

/** One number that answers a question. */
export function Stat({ label, value, about }: { label: ReactNode; value: ReactNode; about?: ReactNode }) {
  return (
    <Card className="grid content-start gap-1">
      <p className="text-[0.8125rem] text-muted-foreground">{label}</p>
      <p className="tabular text-2xl font-semibold tracking-tight">{value}</p>
      {about && <p className="text-[0.8125rem] text-muted-foreground">{about}</p>}
    </Card>
  )
}

/** Names and what they are, in two columns. */
export function Facts({ facts }: { facts: readonly (readonly [name: ReactNode, value: ReactNode] | null)[] }) {
  return (
    <dl className="grid grid-cols-[fit-content(45%)_1fr] gap-x-4 gap-y-1.5 md:grid-cols-[minmax(7rem,auto)_1fr]">
      {facts.map((fact, at) =>
        fact === null ? null : (
          // biome-ignore lint/suspicious/noArrayIndexKey: their order does not change
          <div key={at} className="contents">
            <dt className="text-muted-foreground">{fact[0]}</dt>
            <dd className="min-w-0 [overflow-wrap:anywhere]">{fact[1]}</dd>
          </div>
        ),
      )}
    </dl>
  )
}
