import { MoreHorizontal, UserPlus, UsersRound } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, type User, useApi } from '../../../client/api.ts'
import { useSession } from '../../../client/session.ts'
import { Badge, type Tone } from '../../../parts/badge.tsx'
import { Button, IconButton } from '../../../parts/button.tsx'
import { useFilters } from '../../../parts/filters.ts'
import { dateTime, percent, relative } from '../../../parts/format.ts'
import { Menu } from '../../../parts/menu.tsx'
import { Pager } from '../../../parts/pager.tsx'
import { Empty, Failed, Waiting } from '../../../parts/states.tsx'
import { type Column, Table } from '../../../parts/table.tsx'
import { EditUser } from './edit.tsx'
import { InvitationLink, Invite } from './invite.tsx'
import { type UserMove, useUserMenu } from './menu.ts'
import { DisableUser, RemoveUser, SetPassword } from './moves.tsx'

const limit = 100
const wholeMultiplier = 1_000

export function Users() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const page = Number(filters.page ?? 1)
  const { data, error, refetch } = useApi('GET /users', { query: { page, limit } }, { keepsPrevious: true })
  const [isInviting, setIsInviting] = useState(false)
  const [move, setMove] = useState<UserMove>()
  const [invited, setInvited] = useState<Answer<'POST /users'>>()
  const close = () => setMove(undefined)
  const show = (answer: Answer<'POST /users'>) => {
    setIsInviting(false)
    setInvited(answer)
  }
  const add = (
    <Button look="primary" onClick={() => setIsInviting(true)}>
      <UserPlus aria-hidden />
      {t('settings.users.invite')}
    </Button>
  )
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
      {data !== undefined && data.total > 0 && <div className="flex justify-end">{add}</div>}
      {data === undefined && (error ? <Failed error={error} onRetry={() => void refetch()} /> : <Waiting />)}
      {data?.total === 0 && (
        <Empty icon={UsersRound} title={t('settings.users.empty')} action={add}>
          {t('settings.users.emptyAbout')}
        </Empty>
      )}
      {data !== undefined && data.total > 0 && (
        <>
          <List users={data.data} onMove={setMove} onInvited={setInvited} />
          <Pager {...{ page, limit }} total={data.total} onPage={next => change({ page: String(next) })} />
        </>
      )}
      {isInviting && <Invite onClose={() => setIsInviting(false)} onInvited={show} />}
      {invited && <InvitationLink invited={invited} onClose={() => setInvited(undefined)} />}
      {move?.what === 'edit' && <EditUser user={move.user} onClose={close} />}
      {move?.what === 'password' && <SetPassword user={move.user} onClose={close} />}
      {move?.what === 'disable' && <DisableUser user={move.user} onClose={close} />}
      {move?.what === 'remove' && <RemoveUser user={move.user} onClose={close} />}
    </div>
  )
}

interface ListProps {
  users: readonly User[]
  onMove: (move: UserMove) => void
  onInvited: (invited: Answer<'POST /users'>) => void
}

const tones: Record<User['status'], Tone> = { active: 'good', invited: 'accent', disabled: 'bad' }

function List({ users, onMove, onInvited }: ListProps) {
  const { t } = useTranslation()
  const menuOf = useUserMenu({ onMove, onInvited })
  const me = useSession(session => session.me?.user?.id)
  const columns: Column<User>[] = [
    {
      key: 'name',
      head: t('settings.users.name'),
      width: 'minmax(12rem, 2fr)',
      cell: ({ id, name, email }) => (
        <div className="grid">
          <span className="flex items-center gap-1.5">
            <span className="truncate font-medium">{name}</span>
            {id === me && <Badge>{t('settings.users.you')}</Badge>}
          </span>
          <span className="truncate text-[0.8125rem] text-muted-foreground">{email}</span>
        </div>
      ),
    },
    {
      key: 'role',
      head: t('settings.users.role'),
      width: 'minmax(5rem, 0.8fr)',
      cell: ({ role }) => <span title={t(`settings.users.rights.${role}`)}>{t(`settings.users.roles.${role}`)}</span>,
    },
    {
      key: 'status',
      head: t('settings.users.state'),
      isSecondary: true,
      width: '6.5rem',
      cell: ({ status }) => <Badge tone={tones[status]}>{t(`settings.users.status.${status}`)}</Badge>,
    },
    {
      key: 'totp',
      head: t('settings.users.totp'),
      isSecondary: true,
      width: '7.5rem',
      cell: ({ totp }) => (totp ? t('common.on') : t('common.off')),
    },
    {
      key: 'price',
      head: t('settings.users.price'),
      isSecondary: true,
      isNumber: true,
      width: '4rem',
      cell: ({ priceMultiplier }) => percent(priceMultiplier / wholeMultiplier),
    },
    {
      key: 'login',
      head: t('settings.users.lastLogin'),
      isSecondary: true,
      width: 'minmax(8rem, 1fr)',
      cell: ({ lastLoginAt }) =>
        lastLoginAt === null ? t('common.never') : <span title={dateTime(lastLoginAt)}>{relative(lastLoginAt)}</span>,
    },
    {
      key: 'menu',
      head: <span className="sr-only">{t('common.more')}</span>,
      width: '2.5rem',
      phone: '2.5rem',
      isNumber: true,
      cell: user => (
        <Menu items={menuOf(user)}>
          <IconButton label={t('settings.users.actions', { name: user.name })} size="sm">
            <MoreHorizontal aria-hidden />
          </IconButton>
        </Menu>
      ),
    },
  ]
  return <Table label={t('settings.people.tabs.users')} columns={columns} rows={users} keyOf={({ id }) => id} />
}
