import { FileJson, Globe, Server } from 'lucide-react'
import { type ComponentType, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { percent } from '../../parts/format.ts'
import { Section } from '../../parts/page.tsx'
import { type HomeKind, useStorageChoice } from '../choice.ts'
import { homeKinds } from '../homes.ts'
import { copyTo, moveIn, useHistory } from '../store.ts'
import { FileStatus, NodeStatus } from './home-status.tsx'

const icons: Readonly<Record<HomeKind, ComponentType<{ className?: string }>>> = {
  browser: Globe,
  file: FileJson,
  node: Server,
}

export function HomesSection() {
  const { t } = useTranslation()
  const [wanted, setWanted] = useState<HomeKind>()
  const [work, run] = useCopying()
  return (
    <Section title={t('storage.homes.title')} about={t('storage.homes.about')}>
      <ul className="grid gap-2">
        {homeKinds.map(kind => (
          <li key={kind}>
            <HomeCard kind={kind} onUse={() => setWanted(kind)} />
          </li>
        ))}
      </ul>
      <CopyRow work={work} onCopy={kind => run(() => copyTo(kind, work.onProgress))} />
      {wanted !== undefined && (
        <Switching
          kind={wanted}
          work={work}
          onSwitch={() => run(() => moveIn(wanted, work.onProgress))}
          onClose={() => setWanted(undefined)}
        />
      )}
    </Section>
  )
}

interface Copying {
  readonly share: number | undefined
  readonly error: string | undefined
  readonly onProgress: (share: number) => void
}

/** Copies go on while they are watched; what fails is told where it was begun. */
function useCopying(): [Copying, (work: () => Promise<unknown>) => Promise<boolean>] {
  const { t } = useTranslation()
  const [share, setShare] = useState<number>()
  const [error, setError] = useState<string>()
  const run = async (work: () => Promise<unknown>) => {
    setShare(0)
    setError(undefined)
    try {
      const count = await work()
      if (typeof count === 'number') toast.success(t('storage.homes.copied', { count }))
      return true
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause))
      return false
    } finally {
      setShare(undefined)
    }
  }
  return [{ share, error, onProgress: setShare }, run]
}

function HomeCard({ kind, onUse }: { kind: HomeKind; onUse: () => void }) {
  const { t } = useTranslation()
  const isCurrent = useStorageChoice(({ home }) => home === kind)
  const Icon = icons[kind]
  return (
    <div className={cn('flex gap-3 rounded-lg border bg-card p-4', isCurrent && 'border-primary')}>
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0 text-muted-foreground" />
      <div className="grid min-w-0 flex-1 gap-1">
        <h3 className="flex flex-wrap items-center gap-2 font-semibold">
          {t(`storage.homes.${kind}`)}
          {isCurrent && <Badge tone="accent">{t('storage.homes.current')}</Badge>}
        </h3>
        <p className="text-muted-foreground">{t(`storage.homes.${kind}About`)}</p>
        {isCurrent && kind === 'file' && <FileStatus />}
        {isCurrent && kind === 'node' && <NodeStatus />}
      </div>
      {!isCurrent && (
        <Button size="sm" onClick={onUse} aria-label={`${t('storage.homes.use')}: ${t(`storage.homes.${kind}`)}`}>
          {t('storage.homes.use')}
        </Button>
      )}
    </div>
  )
}

interface SwitchingProps {
  kind: HomeKind
  work: Copying
  onSwitch: () => Promise<boolean>
  onClose: () => void
}

function Switching({ kind, work, onSwitch, onClose }: SwitchingProps) {
  const { t } = useTranslation()
  const count = useHistory(({ chats }) => chats.length)
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={t('storage.homes.switchTitle', { name: t(`storage.homes.${kind}`) })}
      description={t('storage.homes.switchAbout', { count })}
      action={t('storage.homes.switchAction')}
      isBusy={work.share !== undefined}
      error={work.error}
      onConfirm={() => void onSwitch().then(isDone => isDone && onClose())}
    />
  )
}

/** A copy elsewhere, without living there. */
function CopyRow({ work, onCopy }: { work: Copying; onCopy: (kind: HomeKind) => void }) {
  const { t } = useTranslation()
  const home = useStorageChoice(choice => choice.home)
  // A file and the browser share a database: there is nothing to copy between them.
  const others = homeKinds.filter(kind => kind !== 'file' && (kind === 'node') !== (home === 'node'))
  if (others.length === 0) return null
  return (
    <div className="flex flex-wrap items-center gap-2 text-muted-foreground">
      <span>{t('storage.homes.copyTo')}</span>
      {others.map(kind => (
        <Button key={kind} size="sm" isBusy={work.share !== undefined} onClick={() => onCopy(kind)}>
          {t(`storage.homes.${kind}`)}
        </Button>
      ))}
      <span role="status" className="tabular">
        {work.share !== undefined && t('storage.homes.copying', { share: percent(work.share, 0) })}
      </span>
      {work.error !== undefined && <span className="text-destructive">{work.error}</span>}
    </div>
  )
}
