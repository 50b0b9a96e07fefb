import { Link } from '@tanstack/react-router'
import { ScrollText } from 'lucide-react'
import { useCallback, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type LogLine } from '../../client/api.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Copy } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { clock, dateTime, number } from '../../parts/format.ts'
import { Facts } from '../../parts/page.tsx'
import { Empty, Failed, Waiting } from '../../parts/states.tsx'
import { Table } from '../../parts/table.tsx'
import { quickMs } from '../shared/pace.ts'
import { useTail } from '../shared/tail.ts'
import { levelTones, logQueryOf } from './query.ts'

interface Props {
  filters: Readonly<Record<string, string>>
  isLive: boolean
  isNarrowed: boolean
  onClear: () => void
}

export function LogList({ filters, isLive, isNarrowed, onClear }: Props) {
  const { t } = useTranslation()
  const [opened, setOpened] = useState<LogLine>()
  const query = useMemo(() => logQueryOf(filters), [filters])
  const tail = useTail<LogLine>({
    name: 'logs',
    filters: { ...query },
    list: useCallback((page, signal) => api('GET /logs', { query: { ...query, ...page } }, signal), [query]),
    isLive: isLive && query.to === undefined,
    everyMs: quickMs / 2,
  })
  if (tail.isPending) return <Waiting rows={8} />
  if (tail.rows.length === 0 && tail.error) return <Failed error={tail.error} onRetry={tail.again} />
  if (tail.rows.length === 0) {
    return (
      <Empty
        icon={ScrollText}
        title={isNarrowed ? t('node.logs.nothingFits') : t('node.logs.none')}
        action={isNarrowed && <Button onClick={onClear}>{t('node.clearFilters')}</Button>}
      />
    )
  }
  return (
    <div className="grid gap-2">
      {tail.error && <Failed error={tail.error} onRetry={tail.again} />}
      <Table
        label={t('node.logs.title')}
        rows={tail.rows}
        keyOf={({ id }) => id}
        onOpen={setOpened}
        onEnd={tail.more}
        height="max(22rem, calc(100dvh - 18rem))"
        className={tail.isStale ? 'opacity-60' : undefined}
        columns={[
          {
            key: 'time',
            head: t('node.logs.time'),
            width: '6.5rem',
            phone: '4.25rem',
            cell: ({ timestamp }) => (
              <time dateTime={timestamp} title={dateTime(timestamp)} className="tabular text-muted-foreground">
                {clock(timestamp)}
              </time>
            ),
          },
          {
            key: 'level',
            head: t('node.logs.level'),
            width: '5rem',
            phone: '3rem',
            cell: ({ level }) => <Badge tone={levelTones[level]}>{level}</Badge>,
          },
          {
            key: 'component',
            head: t('node.logs.component'),
            width: '8rem',
            isSecondary: true,
            cell: ({ component }) => component,
          },
          {
            key: 'message',
            head: t('node.logs.message'),
            width: 'minmax(10rem, 6fr)',
            phone: 'minmax(0, 1fr)',
            cell: ({ message, fields }) => (
              <span className="font-mono text-[0.8125rem]">
                {message} <span className="text-muted-foreground">{factsOf(fields)}</span>
              </span>
            ),
          },
          {
            key: 'copy',
            head: <span className="sr-only">{t('node.logs.copyJson')}</span>,
            width: '2.5rem',
            isSecondary: true,
            cell: line => <CopyLine line={line} />,
          },
        ]}
      />
      <p className="tabular text-right text-xs text-muted-foreground">
        {t('node.shownOf', {
          shown: number(tail.rows.length),
          total: `${number(tail.total)}${tail.isMoreThanTotal ? '+' : ''}`,
        })}
      </p>
      <Line line={opened} onClose={() => setOpened(undefined)} />
    </div>
  )
}

const factsLength = 300

function factsOf(fields: LogLine['fields']): string {
  const facts = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return facts.join(' ').slice(0, factsLength)
}

function CopyLine({ line }: { line: LogLine }) {
  const { t } = useTranslation()
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is pressed is the button in it; the row shall not open as well
    <span onClick={event => event.stopPropagation()} onKeyDown={event => event.stopPropagation()}>
      <Copy text={() => JSON.stringify(line)} label={t('node.logs.copyJson')} />
    </span>
  )
}

function Line({ line, onClose }: { line: LogLine | undefined; onClose: () => void }) {
  const { t } = useTranslation()
  if (line === undefined) return null
  const { requestId, fields } = line
  return (
    <Dialog
      isOpen
      onClose={onClose}
      shape="sheet"
      title={t('node.logs.line')}
      description={dateTime(line.timestamp)}
      footer={
        <>
          {requestId !== null && (
            <Button asChild>
              <Link to={'/node/requests/$id' as '/'} params={{ id: requestId } as never}>
                {t('node.logs.toRequest')}
              </Link>
            </Button>
          )}
          <Copy text={() => JSON.stringify(line)} label={t('node.logs.copyJson')} />
        </>
      }
    >
      <div className="grid gap-4">
        <p className="font-mono text-[0.8125rem] break-words whitespace-pre-wrap">{line.message}</p>
        <Facts
          facts={[
            [
              t('node.logs.level'),
              <Badge key="level" tone={levelTones[line.level]}>
                {line.level}
              </Badge>,
            ],
            [t('node.logs.component'), line.component],
            requestId === null ? null : [t('node.logs.requestId'), <code key="id">{requestId}</code>],
            ...Object.entries(fields).map(
              ([name, value]) =>
                [name, <code key={name}>{typeof value === 'string' ? value : JSON.stringify(value)}</code>] as const,
            ),
          ]}
        />
      </div>
    </Dialog>
  )
}
