import { useTranslation } from 'react-i18next'
import type { RequestDetail } from '../../client/api.ts'
import { cn } from '../../parts/class.ts'
import { duration, number } from '../../parts/format.ts'
import { Card } from '../../parts/page.tsx'
import { type Phase, phasesOf } from './phases.ts'

const colours: Readonly<Record<Phase['kind'], string>> = {
  node: 'bg-muted-foreground',
  attempt: 'bg-destructive',
  between: 'bg-muted-foreground/50',
  waited: 'bg-warning',
  answer: 'bg-primary',
}

/** Where the time went, as bars under each other. */
export function Timeline({ request }: { request: RequestDetail }) {
  const { t } = useTranslation()
  const phases = phasesOf(request)
  const total = Math.max(1, request.responseTime)
  const nameOf = ({ kind, provider = '' }: Phase) => t(`node.requests.phases.${kind}`, { provider })
  const parts = phases.map(phase => t('node.requests.phaseAt', { name: nameOf(phase), ms: short(phase.ms) })).join(', ')
  return (
    <Card>
      <ol aria-label={t('node.requests.timelineLabel', { parts })} className="grid gap-2">
        {phases.map((phase, index) => (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: their order does not change
            key={index}
            className="grid grid-cols-[minmax(8rem,14rem)_1fr_4.5rem] items-center gap-3 max-md:grid-cols-[1fr_4.5rem]"
          >
            <span className="truncate" title={nameOf(phase)}>
              {nameOf(phase)}
            </span>
            <span aria-hidden className="relative h-3 rounded bg-muted max-md:order-last max-md:col-span-2">
              <span
                className={cn('absolute inset-y-0 min-w-0.5 rounded', colours[phase.kind])}
                style={{ left: `${(phase.from / total) * 100}%`, width: `${(phase.ms / total) * 100}%` }}
              />
            </span>
            <span className="tabular text-right text-muted-foreground">{short(phase.ms)}</span>
          </li>
        ))}
        <li className="grid grid-cols-[1fr_4.5rem] border-t pt-2 font-medium">
          <span>{t('node.requests.duration')}</span>
          <span className="tabular text-right">{duration(request.responseTime)}</span>
        </li>
      </ol>
    </Card>
  )
}

function short(ms: number): string {
  return ms < 10 ? `${number(ms, 1)} ms` : duration(ms)
}
