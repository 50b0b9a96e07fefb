import { Languages, Moon, Sun } from 'lucide-react'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { keepAppearance, readAppearance } from '../../parts/appearance.ts'
import { Button, IconButton } from '../../parts/button.tsx'
import { Menu } from '../../parts/menu.tsx'
import { keepLanguage, type Language, languages } from '../../words/index.ts'

/** What is around every way in: whose door it is, and how it looks. */
export function Frame({ children }: { children: ReactNode }) {
  const { t } = useTranslation()
  return (
    <div className="flex h-full flex-col overflow-y-auto">
      <main className="mx-auto grid w-full max-w-md flex-1 content-center gap-6 px-4 py-10">
        <header className="flex items-center justify-center gap-2.5">
          <img src="/icon.svg" alt="" className="size-8" />
          <span className="text-lg font-semibold tracking-tight">Parley</span>
        </header>
        {children}
        <p className="text-center text-[0.8125rem] text-muted-foreground">
          {t('signIn.where', { host: location.host })}
        </p>
      </main>
      <footer className="flex justify-center gap-1 pb-4">
        <LanguageMenu />
        <ThemeButton />
      </footer>
    </div>
  )
}

function LanguageMenu() {
  const { t, i18n } = useTranslation()
  const items = Object.entries(languages).map(([code, label]) => ({
    label,
    isChecked: i18n.resolvedLanguage === code,
    onSelect: () => keepLanguage(code as Language),
  }))
  return (
    <Menu items={items} align="start">
      <Button look="quiet" className="text-muted-foreground max-md:h-11">
        <Languages aria-hidden />
        <span className="sr-only">{t('signIn.language')}:</span>
        {languages[(i18n.resolvedLanguage ?? 'en') as Language]}
      </Button>
    </Menu>
  )
}

function ThemeButton() {
  const { t } = useTranslation()
  const [isDark, setIsDark] = useState(() => document.documentElement.classList.contains('dark'))
  const change = () => {
    keepAppearance({ ...readAppearance(), theme: isDark ? 'light' : 'dark' })
    setIsDark(!isDark)
  }
  return (
    <IconButton label={isDark ? t('app.light') : t('app.dark')} className="max-md:h-11 max-md:w-11" onClick={change}>
      {isDark ? <Sun aria-hidden /> : <Moon aria-hidden />}
    </IconButton>
  )
}

interface SheetProps {
  title: ReactNode
  about?: ReactNode
  /** Above what is asked: why nobody is signed in. */
  notice?: ReactNode
  /** What the button says; no button when missing. */
  action?: ReactNode
  isBusy?: boolean
  error?: unknown
  onSubmit?: () => void
  /** Other ways, below. */
  others?: ReactNode
  children?: ReactNode
}

/** One question at the door. */
export function Sheet({ title, about, notice, action, isBusy, error, onSubmit, others, children }: SheetProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit?.()
  }
  return (
    <>
      <form onSubmit={submit} className="grid gap-4 rounded-lg border bg-card p-6">
        <div className="grid gap-1">
          <h1 className="text-lg font-semibold tracking-tight">{title}</h1>
          {about && <p className="text-muted-foreground">{about}</p>}
        </div>
        {notice}
        {children}
        {error !== undefined && (
          <p role="alert" className="text-destructive">
            {error instanceof Error ? error.message : String(error)}
          </p>
        )}
        {action && (
          <Button type="submit" look="primary" size="lg" isBusy={isBusy}>
            {action}
          </Button>
        )}
      </form>
      {others && <nav className="flex flex-wrap justify-center gap-x-4 gap-y-1">{others}</nav>}
    </>
  )
}

/** Another way in. */
export function Way({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <Button look="quiet" className="text-primary max-md:h-11" onClick={onClick}>
      {children}
    </Button>
  )
}
