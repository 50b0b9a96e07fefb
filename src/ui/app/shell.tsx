import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { PanelLeft, Search } from 'lucide-react'
import { type CSSProperties, lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Toaster } from 'sonner'
import { useSession } from '../client/session.ts'
import { useShortcut } from '../client/shortcuts.ts'
import { IconButton } from '../parts/button.tsx'
import { cn } from '../parts/class.ts'
import { usePalette } from './palette-state.ts'
import { Rail } from './rail.tsx'
import { StatusStrip } from './status-strip.tsx'

/** Most visits need neither. */
const SignIn = lazy(() => import('./sign-in/screen.tsx').then(({ SignIn: default_ }) => ({ default: default_ })))
const Palette = lazy(() => import('./palette.tsx').then(({ Palette: default_ }) => ({ default: default_ })))

/** Of the theme, whichever it is. */
const toastColours = {
  '--normal-bg': 'var(--popover)',
  '--normal-text': 'var(--popover-foreground)',
  '--normal-border': 'var(--border)',
} as CSSProperties

/** What is around every page: the way to all others, and how the node is. */
export function Shell() {
  const state = useSession(session => session.state)
  if (state === 'starting') return <Starting />
  return (
    <>
      {state === 'signed_out' ? (
        <Suspense fallback={<Starting />}>
          <SignIn />
        </Suspense>
      ) : (
        <Frame />
      )}
      <Toaster position="bottom-right" closeButton style={toastColours} toastOptions={{ className: 'font-sans' }} />
    </>
  )
}

/** Loaded when it is opened first, and kept then. */
function PaletteOnce() {
  const isOpen = usePalette(state => state.isOpen)
  const [wasOpened, setWasOpened] = useState(isOpen)
  if (isOpen && !wasOpened) setWasOpened(true)
  return wasOpened ? (
    <Suspense>
      <Palette />
    </Suspense>
  ) : null
}

function Starting() {
  const { t } = useTranslation()
  return <main role="status" aria-label={t('common.loading')} className="h-full" />
}

function Frame() {
  const { t } = useTranslation()
  const [isRailOpen, setIsRailOpen] = useState(false)
  const [isRailHidden, setIsRailHidden] = useState(false)
  const path = useRouterState({ select: ({ location }) => location.pathname })
  // A page that was chosen on a phone is what one wants to see.
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the page changes
  useEffect(() => setIsRailOpen(false), [path])
  const navigate = useNavigate()
  useShortcut('newChat', () => void navigate({ to: '/' }))
  useShortcut('sidebar', () => setIsRailHidden(hidden => !hidden))
  useShortcut('palette', () => usePalette.setState(({ isOpen }) => ({ isOpen: !isOpen })))
  return (
    <div className="grid h-full grid-cols-[minmax(0,1fr)] grid-rows-[minmax(0,1fr)_auto]">
      <a
        href="#content"
        className="absolute top-2 left-2 z-50 -translate-y-16 rounded-md bg-primary px-3 py-2 text-primary-foreground focus:translate-y-0"
      >
        {t('app.skip')}
      </a>
      <div className="flex min-h-0">
        {isRailOpen && (
          <button
            type="button"
            aria-label={t('common.close')}
            className="fixed inset-0 z-20 bg-black/50 md:hidden"
            onClick={() => setIsRailOpen(false)}
          />
        )}
        <Rail
          className={cn(
            'z-30 w-72 shrink-0 border-r bg-rail max-md:fixed max-md:inset-y-0 max-md:left-0 md:w-64',
            !isRailOpen && 'max-md:hidden',
            isRailHidden && 'md:hidden',
          )}
        />
        <div className="flex min-w-0 flex-1 flex-col">
          <div className="flex items-center gap-1 border-b px-2 py-1 md:hidden">
            <IconButton label={t('app.menu')} size="lg" aria-expanded={isRailOpen} onClick={() => setIsRailOpen(true)}>
              <PanelLeft aria-hidden />
            </IconButton>
            <span className="flex-1 font-semibold">Parley</span>
            <IconButton label={t('app.palette')} size="lg" onClick={() => usePalette.setState({ isOpen: true })}>
              <Search aria-hidden />
            </IconButton>
          </div>
          <main id="content" tabIndex={-1} className="min-h-0 flex-1 focus-visible:outline-none">
            <Outlet />
          </main>
        </div>
      </div>
      <StatusStrip onShowRail={isRailHidden ? () => setIsRailHidden(false) : undefined} />
      <PaletteOnce />
    </div>
  )
}
