import { KeyRound, MoreHorizontal, Pencil, Plus, RefreshCw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, type Key, useApi } from '../../../client/api.ts'
import { useMay, useSession } from '../../../client/session.ts'
import { Badge } from '../../../parts/badge.tsx'
import { Button, IconButton } from '../../../parts/button.tsx'
import { Tick } from '../../../parts/field.tsx'
import { useFilters } from '../../../parts/filters.ts'
import { dateTime, day, relative } from '../../../parts/format.ts'
import { Menu } from '../../../parts/menu.tsx'
import { Pager } from '../../../parts/pager.tsx'
import { Empty, Failed, Waiting } from '../../../parts/states.tsx'
import { type Column, Table } from '../../../parts/table.tsx'
import { EditKey, NewKey } from './edit.tsx'
import { useLimits } from './limits.ts'
import { Revoke, Rotate } from './moves.tsx'
import { Secret } from './secret.tsx'

const limit = 100

type Open = { readonly what: 'edit' | 'rotate' | 'revoke'; readonly key: Key } | { readonly what: 'new' }

export function Keys() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const page = Number(filters.page ?? 1)
  const isAll = filters.revoked === 'true'
  const { data, error, refetch } = useApi(
    'GET /keys',
    { query: { page, limit, ...(!isAll && { revoked: 'false' as const }) } },
    { keepsPrevious: true },
  )
  const [open, setOpen] = useState<Open>()
  const [made, setMade] = useState<Answer<'POST /keys'>>()
  const close = () => setOpen(undefined)
  const show = (answer: Answer<'POST /keys'>) => {
    close()
    setMade(answer)
  }
  const add = (
    <Button look="primary" onClick={() => setOpen({ what: 'new' })}>
      <Plus aria-hidden />
      {t('settings.keys.new')}
    </Button>
  )
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Tick
          label={t('settings.keys.showRevoked')}
          checked={isAll}
          onChange={checked => change({ revoked: checked ? 'true' : undefined, page: undefined })}
        />
        {add}
      </div>
      {data === undefined && (error ? <Failed error={error} onRetry={() => void refetch()} /> : <Waiting />)}
      {data?.total === 0 && (
        <Empty icon={KeyRound} title={t('settings.keys.empty')} action={add}>
          {t('settings.keys.emptyAbout')}
        </Empty>
      )}
      {data !== undefined && data.total > 0 && (
        <>
          <List keys={data.data} onOpen={setOpen} />
          <Pager {...{ page, limit }} total={data.total} onPage={next => change({ page: String(next) })} />
        </>
      )}
      {open?.what === 'new' && <NewKey onClose={close} onMade={show} />}
      {open?.what === 'edit' && <EditKey apiKey={open.key} onClose={close} />}
      {open?.what === 'rotate' && <Rotate apiKey={open.key} onClose={close} onMade={show} />}
      {open?.what === 'revoke' && <Revoke apiKey={open.key} onClose={close} />}
      {made && <Secret made={made} onClose={() => setMade(undefined)} />}
    </div>
  )
}

function List({ keys, onOpen }: { keys: readonly Key[]; onOpen: (open: Open) => void }) {
  const { t } = useTranslation()
  const limits = useLimits()
  const mayOperate = useMay('operator')
  const me = useSession(session => session.me?.user?.id)
  const isMine = ({ userId }: Key) => mayOperate || userId === me
  const menuOf = (key: Key) => [
    { label: t('common.edit'), icon: Pencil, onSelect: () => onOpen({ what: 'edit', key }) },
    { label: t('settings.keys.rotate'), icon: RefreshCw, onSelect: () => onOpen({ what: 'rotate', key }) },
    null,
    {
      label: t('settings.keys.revoke'),
      icon: Trash2,
      isDangerous: true,
      onSelect: () => onOpen({ what: 'revoke', key }),
    },
  ]
  const columns: Column<Key>[] = [
    { key: 'name', head: t('settings.keys.name'), width: 'minmax(10rem, 1.6fr)', cell: key => <Name apiKey={key} /> },
    {
      key: 'tail',
      head: t('settings.keys.key'),
      width: '5.5rem',
      cell: ({ tail }) => <span className="font-mono text-[0.8125rem] text-muted-foreground">…{tail}</span>,
    },
    {
      key: 'models',
      head: t('settings.keys.models'),
      isSecondary: true,
      width: 'minmax(6rem, 1fr)',
      cell: ({ models }) =>
        models === null ? (
          t('common.all')
        ) : (
          <span title={models.join(', ')}>
            {models.length === 1 ? models[0] : t('settings.keys.modelsCount', { count: models.length })}
          </span>
        ),
    },
    {
      key: 'limits',
      head: t('settings.keys.limits'),
      isSecondary: true,
      width: 'minmax(8rem, 1.4fr)',
      cell: key => {
        const text = limits(key)
        return text === '' ? (
          <span className="text-muted-foreground">{t('settings.keys.noLimits')}</span>
        ) : (
          <span title={text}>{text}</span>
        )
      },
    },
    {
      key: 'expires',
      head: t('settings.keys.expires'),
      isSecondary: true,
      width: '8rem',
      cell: ({ expiresAt }) => (expiresAt === null ? t('common.never') : day(expiresAt)),
    },
    {
      key: 'used',
      head: t('settings.keys.lastUsed'),
      isSecondary: true,
      width: '8rem',
      cell: ({ lastUsedAt }) =>
        lastUsedAt === null ? t('common.never') : <span title={dateTime(lastUsedAt)}>{relative(lastUsedAt)}</span>,
    },
    {
      key: 'menu',
      head: <span className="sr-only">{t('common.more')}</span>,
      width: '2.5rem',
      phone: '2.5rem',
      isNumber: true,
      cell: key =>
        isWorking(key) && isMine(key) ? (
          <Menu items={menuOf(key)}>
            <IconButton label={t('settings.keys.actions', { name: key.name })} size="sm">
              <MoreHorizontal aria-hidden />
            </IconButton>
          </Menu>
        ) : null,
    },
  ]
  return <Table label={t('settings.people.tabs.keys')} columns={columns} rows={keys} keyOf={({ id }) => id} />
}

/** A key that was replaced and whose grace is over is as good as revoked. */
function isWorking({ revokedAt, replacedBy, expiresAt }: Key): boolean {
  return revokedAt === null && (replacedBy === null || expiresAt === null || Date.parse(expiresAt) > Date.now())
}

function Name({ apiKey: { name, project, revokedAt, replacedBy, expiresAt } }: { apiKey: Key }) {
  const { t } = useTranslation()
  const isOver = expiresAt !== null && Date.parse(expiresAt) <= Date.now()
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <span className="truncate font-medium">{name}</span>
      {project !== null && <Badge>{project}</Badge>}
      {revokedAt !== null && <Badge tone="bad">{t('settings.keys.revoked')}</Badge>}
      {revokedAt === null && replacedBy !== null && <Badge tone="warning">{t('settings.keys.replaced')}</Badge>}
      {revokedAt === null && replacedBy === null && isOver && (
        <Badge tone="warning">{t('settings.keys.expired')}</Badge>
      )}
    </span>
  )
}
