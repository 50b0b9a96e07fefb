import { Link } from '@tanstack/react-router'
import { Circle, CircleCheck } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'
import { Code } from '../../parts/copy.tsx'
import { Card } from '../../parts/page.tsx'
import { type Line, useLines } from './lines.ts'
import { skip, unskip, useSkipped } from './skipped.ts'

/** What a new node still lacks: each line can be done or skipped, and nothing waits for it. */
export function Checklist() {
  const { t } = useTranslation()
  const lines = useLines()
  const skipped = useSkipped(({ names }) => names)
  if (lines === undefined) return null
  const left = lines.filter(({ name }) => !skipped.includes(name))
  const open = left.filter(({ isDone }) => !isDone)
  if (open.length === 0) return null
  return (
    <Card className="grid gap-3">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <div className="grid gap-0.5">
          <h2 className="text-base font-semibold">{t('node.overview.checklist.title')}</h2>
          <p className="text-muted-foreground">{t('node.overview.checklist.about')}</p>
        </div>
        <span className="tabular text-[0.8125rem] text-muted-foreground">
          {t('node.overview.checklist.progress', { done: left.length - open.length, total: left.length })}
        </span>
      </div>
      <ul className="grid divide-y">
        {left.map(line => (
          <ChecklistLine key={line.name} line={line} />
        ))}
      </ul>
      {skipped.length > 0 && (
        <Button look="quiet" size="sm" className="justify-self-start text-muted-foreground" onClick={unskip}>
          {t('node.overview.checklist.showSkipped', { count: skipped.length })}
        </Button>
      )}
    </Card>
  )
}

function ChecklistLine({ line: { name, isDone, text, command, action, to, hash } }: { line: Line }) {
  const { t } = useTranslation()
  const title = t(`node.overview.checklist.lines.${name}.name`)
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-2 py-2.5">
      {isDone ? (
        <CircleCheck aria-hidden className="mt-0.5 size-4 shrink-0 text-success" />
      ) : (
        <Circle aria-hidden className="mt-0.5 size-4 shrink-0 text-muted-foreground" />
      )}
      <div className="grid min-w-48 flex-1 gap-1">
        <p className="font-medium">
          {title}{' '}
          <span className="sr-only">{t(isDone ? 'node.overview.checklist.done' : 'node.overview.checklist.open')}</span>
        </p>
        <p className="text-muted-foreground">{text}</p>
        {command !== undefined && !isDone && <Code text={command} />}
      </div>
      {!isDone && (
        <div className="flex gap-1">
          <Button asChild size="sm" className="max-md:h-11">
            <Link to={to as '/'} {...(hash !== undefined && { hash })}>
              {action}
            </Link>
          </Button>
          <Button
            look="quiet"
            size="sm"
            className="text-muted-foreground max-md:h-11"
            aria-label={t('node.overview.checklist.skipName', { name: title })}
            onClick={() => skip(name)}
          >
            {t('node.overview.checklist.skip')}
          </Button>
        </div>
      )}
    </li>
  )
}
