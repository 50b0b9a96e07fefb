import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from '../../parts/class.ts'
import { type DiffLine, difference, documentText, folded } from './difference.ts'

/** What runs beside what would; under each other where there is no room. */
export function DiffView({ running, wanted }: { running: unknown; wanted: unknown }) {
  const { t } = useTranslation()
  const lines = useMemo(() => {
    const found = difference(documentText(running), documentText(wanted))
    return found && { isSame: found.every(({ kind }) => kind === 'same'), shown: folded(found) }
  }, [running, wanted])
  if (lines === undefined) return <p className="text-muted-foreground">{t('node.profiles.diffTooLong')}</p>
  if (lines.isSame) return <p className="text-muted-foreground">{t('node.profiles.asRuns')}</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
    <div tabIndex={0} className="max-h-[32rem] overflow-auto rounded-lg border bg-card font-mono text-xs">
      <div className="sticky top-0 grid border-b bg-card font-sans text-[0.8125rem] text-muted-foreground md:grid-cols-2">
        <p className="px-3 py-1.5">− {t('node.profiles.runs')}</p>
        <p className="px-3 py-1.5 md:border-l">+ {t('node.profiles.wouldRun')}</p>
      </div>
      {lines.shown.map((line, index) =>
        typeof line === 'number' ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name
          <p key={index} className="bg-muted px-3 py-1 font-sans text-muted-foreground">
            {t('node.profiles.unchanged', { count: line })}
          </p>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <Line key={index} line={line} />
        ),
      )}
    </div>
  )
}

function Line({ line: { kind, left, right } }: { line: DiffLine }) {
  if (kind === 'same') {
    return (
      <div className="grid md:grid-cols-2">
        <pre className="px-3 whitespace-pre-wrap">{`  ${left}`}</pre>
        <pre className="hidden border-l px-3 whitespace-pre-wrap md:block">{`  ${right}`}</pre>
      </div>
    )
  }
  return (
    <div className="grid md:grid-cols-2">
      <Side text={left} mark="−" className="bg-destructive/12" />
      <Side text={right} mark="+" className="bg-success/12 md:border-l" />
    </div>
  )
}

function Side({ text, mark, className }: { text: string | undefined; mark: string; className: string }) {
  if (text === undefined) return <pre className="hidden bg-muted px-3 md:block" />
  return <pre className={cn('px-3 whitespace-pre-wrap', className)}>{`${mark} ${text}`}</pre>
}
