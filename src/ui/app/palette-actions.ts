import { LogOut, type LucideIcon, Moon, Sun } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { signOut, useSession } from '../client/session.ts'
import { keepAppearance, readAppearance } from '../parts/appearance.ts'

export interface PaletteAction {
  readonly name: string
  readonly icon: LucideIcon
  readonly run: () => void
}

/** What can be done from anywhere. */
export function usePaletteActions(): readonly PaletteAction[] {
  const { t } = useTranslation()
  const isSignedIn = useSession(({ state }) => state === 'signed_in')
  const look = (theme: 'light' | 'dark') => keepAppearance({ ...readAppearance(), theme })
  return [
    { name: t('app.light'), icon: Sun, run: () => look('light') },
    { name: t('app.dark'), icon: Moon, run: () => look('dark') },
    ...(isSignedIn ? [{ name: t('app.signOut'), icon: LogOut, run: () => void signOut() }] : []),
  ]
}
