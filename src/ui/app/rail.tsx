import { Link, useRouterState } from '@tanstack/react-router'
import { ChevronRight, Search } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ChatSidebar } from '../chat/sidebar.tsx'
import { shortcuts } from '../client/shortcuts.ts'
import { Button } from '../parts/button.tsx'
import { cn } from '../parts/class.ts'
import { Keys } from '../parts/keys.tsx'
import { type AreaName, areas } from './pages.ts'
import { usePalette } from './palette-state.ts'
import { usePagesFor } from './visible-pages.ts'

export function Rail({ className }: { className?: string }) {
  const { t } = useTranslation()
  return (
    <nav aria-label={t('app.navigation')} className={cn('flex min-h-0 flex-col gap-1 p-2', className)}>
      <Button
        look="secondary"
        className="w-full justify-start text-muted-foreground"
        onClick={() => usePalette.setState({ isOpen: true })}
      >
        <Search aria-hidden />
        <span className="flex-1 text-left font-normal">{t('app.palette')}</span>
        <Keys keys={shortcuts.palette.keys} />
      </Button>
      <PageLinks area="chat" />
      <div className="min-h-24 flex-1 overflow-y-auto">
        <ChatSidebar />
      </div>
      {areas
        .filter(({ name }) => name !== 'chat')
        .map(({ name }) => (
          <Area key={name} name={name} />
        ))}
    </nav>
  )
}

/** Open while one of its pages is shown, or when it was opened. */
function Area({ name }: { name: AreaName }) {
  const { t } = useTranslation()
  const isHere = useRouterState({ select: ({ location }) => location.pathname.startsWith(`/${name}`) })
  const [wanted, setWanted] = useState<boolean>()
  const isOpen = wanted ?? isHere
  if (usePagesFor(name).length === 0) return null
  return (
    <div className="border-t pt-1">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setWanted(!isOpen)}
        className="flex h-8 w-full items-center gap-1.5 rounded-md px-2 text-[0.8125rem] font-medium text-muted-foreground hover:bg-muted hover:text-foreground"
      >
        <ChevronRight aria-hidden className={cn('size-3.5 transition-transform', isOpen && 'rotate-90')} />
        {t(`app.areas.${name}`)}
      </button>
      {isOpen && <PageLinks area={name} />}
    </div>
  )
}

function PageLinks({ area }: { area: AreaName }) {
  const { t } = useTranslation()
  return (
    <ul className="grid gap-px">
      {usePagesFor(area).map(({ path, name, icon: Icon }) => (
        <li key={path}>
          <Link
            to={path}
            activeOptions={{ exact: path === `/${area}` || path === '/', includeSearch: false }}
            className="flex h-8 items-center gap-2 rounded-md px-2 hover:bg-muted max-md:h-11 data-[status=active]:bg-secondary data-[status=active]:font-medium"
          >
            <Icon aria-hidden className="size-4 text-muted-foreground" />
            {t(`app.pages.${name}`)}
          </Link>
        </li>
      ))}
    </ul>
  )
}
