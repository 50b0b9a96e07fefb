import { Ban, CircleCheck, KeySquare, Link2, LogOut, Pencil, Trash2 } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { type Answer, type User, useChange } from '../../../client/api.ts'
import { useSession } from '../../../client/session.ts'
import type { MenuItem } from '../../../parts/menu.tsx'

export interface UserMove {
  readonly what: 'edit' | 'password' | 'disable' | 'remove'
  readonly user: User
}

interface UserMenu {
  onMove: (move: UserMove) => void
  onInvited: (invited: Answer<'POST /users'>) => void
}

/** What an admin can do with a user. Nobody takes his own rights away by mistake. */
export function useUserMenu({ onMove, onInvited }: UserMenu): (user: User) => (MenuItem | null)[] {
  const { t } = useTranslation()
  const me = useSession(session => session.me?.user?.id)
  const invite = useChange('POST /users/:id/invite')
  const update = useChange('PUT /users/:id')
  const end = useChange('DELETE /sessions')
  const onError = (error: unknown) => void toast.error(error instanceof Error ? error.message : String(error))
  const ended = ({ ended: count }: Answer<'DELETE /sessions'>) =>
    void toast.success(t('settings.users.ended', { count }))
  return user => {
    const params = { id: user.id }
    const move = (what: UserMove['what']) => () => onMove({ what, user })
    const isMe = user.id === me
    return [
      { label: t('settings.users.edit'), icon: Pencil, onSelect: move('edit') },
      ...(user.status === 'invited'
        ? [
            {
              label: t('settings.users.newLink'),
              icon: Link2,
              onSelect: () => invite.mutate({ params }, { onSuccess: onInvited, onError }),
            },
          ]
        : [
            { label: t('settings.users.setPassword'), icon: KeySquare, isDisabled: isMe, onSelect: move('password') },
            {
              label: t('settings.users.endSessions'),
              icon: LogOut,
              onSelect: () => end.mutate({ query: { userId: user.id } }, { onSuccess: ended, onError }),
            },
          ]),
      null,
      user.status === 'disabled'
        ? {
            label: t('settings.users.enable'),
            icon: CircleCheck,
            onSelect: () => update.mutate({ params, body: { status: 'active' } }, { onError }),
          }
        : { label: t('settings.users.disable'), icon: Ban, isDisabled: isMe, onSelect: move('disable') },
      {
        label: t('settings.users.remove'),
        icon: Trash2,
        isDangerous: true,
        isDisabled: isMe,
        onSelect: move('remove'),
      },
    ]
  }
}
