import { AlertTriangle, CircleAlert, Info, RotateCw } from 'lucide-react'
import type { ComponentType, ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './button.tsx'
import { cn } from './class.ts'

const bannerTones = {
  info: { box: 'border-border bg-muted', icon: Info, mark: 'text-muted-foreground' },
  warning: { box: 'border-warning/40 bg-warning/8', icon: AlertTriangle, mark: 'text-warning' },
  bad: { box: 'border-destructive/40 bg-destructive/8', icon: CircleAlert, mark: 'text-destructive' },
} as const

interface BannerProps {
  tone?: keyof typeof bannerTones
  title?: ReactNode
  action?: ReactNode
  className?: string
  children?: ReactNode
}

/** Something about the whole page: what is the matter, and what can be done. */
export function Banner({ tone = 'info', title, action, className, children }: BannerProps) {
  const { box, icon: Icon, mark } = bannerTones[tone]
  return (
    <div
      role={tone === 'bad' ? 'alert' : 'status'}
      className={cn('flex flex-wrap items-start gap-3 rounded-lg border px-4 py-3', box, className)}
    >
      <Icon aria-hidden className={cn('mt-0.5 size-4 shrink-0', mark)} />
      <div className="min-w-0 flex-1 basis-56">
        {title && <p className="font-medium">{title}</p>}
        {children && <div className="break-words text-muted-foreground">{children}</div>}
      </div>
      {action}
    </div>
  )
}

interface EmptyProps {
  icon?: ComponentType<{ className?: string }>
  title: ReactNode
  action?: ReactNode
  children?: ReactNode
}

/** Nothing is here yet, and what would be. */
export function Empty({ icon: Icon, title, action, children }: EmptyProps) {
  return (
    <div className="flex flex-col items-center gap-2 rounded-lg border border-dashed px-6 py-10 text-center">
      {Icon && <Icon aria-hidden className="size-6 text-muted-foreground" />}
      <p className="font-medium">{title}</p>
      {children && <div className="max-w-prose text-muted-foreground">{children}</div>}
      {action && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  )
}

/** Something could not be read: why, and once more. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation()
  return (
    <Banner
      tone="bad"
      title={t('common.failed')}
      action={
        onRetry && (
          <Button size="sm" onClick={onRetry}>
            <RotateCw aria-hidden />
            {t('common.retry')}
          </Button>
        )
      }
    >
      {error instanceof Error ? error.message : String(error)}
    </Banner>
  )
}

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn('h-4 animate-pulse rounded bg-muted', className)} />
}

/** In place of what is being read. */
export function Waiting({ rows = 4 }: { rows?: number }) {
  const { t } = useTranslation()
  return (
    <div role="status" aria-label={t('common.loading')} className="grid gap-3 py-2">
      {Array.from({ length: rows }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
        <Skeleton key={at} className={at % 3 === 2 ? 'w-2/3' : 'w-full'} />
      ))}
    </div>
  )
}
