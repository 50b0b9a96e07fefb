import { CircleAlert, CircleCheck, RotateCw, TriangleAlert } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { type Finding, useApi } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { Copy } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Failed, Waiting } from '../../parts/states.tsx'

const marks = {
  ok: { icon: CircleCheck, className: 'text-success' },
  warning: { icon: TriangleAlert, className: 'text-warning' },
  failed: { icon: CircleAlert, className: 'text-destructive' },
} as const

const order = { failed: 0, warning: 1, ok: 2 } as const

/** What is wrong with the node, and what to do about each thing. */
export function DoctorSheet({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const { data, error, refetch, isFetching } = useApi('GET /doctor', {}, { enabled: isOpen, staleTime: 0 })
  const problems = data?.data.filter(({ state }) => state !== 'ok').length ?? 0
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      shape="sheet"
      title={t('node.network.doctor')}
      description={
        data === undefined
          ? t('node.network.doctorAbout')
          : problems === 0
            ? t('node.network.doctorAll')
            : t('node.network.doctorProblems', { count: problems })
      }
      footer={
        <Button isBusy={isFetching} onClick={() => void refetch()}>
          {!isFetching && <RotateCw aria-hidden />}
          {t('node.network.doctorAgain')}
        </Button>
      }
    >
      {data === undefined ? (
        error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Waiting rows={8} />
        )
      ) : (
        <ul className="grid divide-y">
          {data.data
            .toSorted((a, b) => order[a.state] - order[b.state])
            .map(finding => (
              <Row key={finding.name} finding={finding} />
            ))}
        </ul>
      )}
    </Dialog>
  )
}

function Row({ finding: { name, state, found, next } }: { finding: Finding }) {
  const { t } = useTranslation()
  const { icon: Icon, className } = marks[state]
  return (
    <li className="flex gap-3 py-3">
      <Icon aria-hidden className={cn('mt-0.5 size-4 shrink-0', className)} />
      <div className="grid min-w-0 flex-1 gap-1">
        <p className="font-medium">
          {name} <span className="sr-only">{t(`node.network.doctorStates.${state}`)}</span>
        </p>
        <p className="break-words text-muted-foreground">{found}</p>
        {next !== null && state !== 'ok' && (
          <div className="flex items-start gap-2">
            <p className="min-w-0 flex-1 break-words">
              <span className="text-muted-foreground">{t('node.network.doctorNext')}:</span> {next}
            </p>
            <Copy text={next} />
          </div>
        )}
      </div>
    </li>
  )
}
