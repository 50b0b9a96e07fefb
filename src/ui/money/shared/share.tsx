import { cn } from '../../parts/class.ts'

const nearlyPercent = 80

/** How much of something is used, as a bar; the words beside it say the same. */
export function Share({ label, part, whole }: { label: string; part: bigint; whole: bigint }) {
  const percent = whole === 0n ? 0 : Math.min(100, Number((part * 10_000n) / whole) / 100)
  return (
    <div role="img" aria-label={label} className="h-2 overflow-hidden rounded-full bg-secondary">
      <div
        className={cn(
          'h-full rounded-full bg-primary',
          percent >= nearlyPercent && 'bg-warning',
          percent >= 100 && 'bg-destructive',
        )}
        style={{ width: `${percent}%` }}
      />
    </div>
  )
}
