import { Download, FileText, MoreHorizontal, Pencil, Play, Save, Trash2, Upload } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type ConfigurationSummary, useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button, IconButton } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { useFilters } from '../../parts/filters.ts'
import { dateTime, relative } from '../../parts/format.ts'
import { Menu } from '../../parts/menu.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { Empty, Failed, Waiting } from '../../parts/states.tsx'
import { save } from '../requests/csv.ts'
import { calmMs } from '../shared/pace.ts'
import { StoreBanner } from '../shared/store-banner.tsx'
import { ActivateDialog, RemoveDialog, RenameDialog, SaveDialog } from './dialogs.tsx'
import { DiffView } from './diff-view.tsx'
import { documentText } from './difference.ts'
import { ImportDialog } from './import-dialog.tsx'

function download(document: unknown, name: string): void {
  const plain = name.replaceAll(/[^\w.-]+/g, '-')
  save(new Blob([`${documentText(document)}\n`], { type: 'application/json' }), `parley-${plain}.json`)
}

/** What runs, what ran, and the way back. */
export function Screen() {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const [filters, change] = useFilters()
  const [dialog, setDialog] = useState<'save' | 'import'>()
  const { data, error, refetch } = useApi('GET /configs', { query: { limit: 200 } }, { refetchInterval: calmMs })
  const chosen = data?.data.find(({ id }) => id === filters.id)
  const saveNow = mayOperate && (
    <Button look="primary" onClick={() => setDialog('save')}>
      <Save aria-hidden />
      {t('node.profiles.save')}
    </Button>
  )
  return (
    <Page
      title={t('node.profiles.title')}
      about={t('node.profiles.about')}
      actions={
        mayOperate && (
          <>
            <Button onClick={() => void api('GET /configs/export').then(document => download(document, 'running'))}>
              <Download aria-hidden />
              {t('node.profiles.exportRunning')}
            </Button>
            <Button onClick={() => setDialog('import')}>
              <Upload aria-hidden />
              {t('node.profiles.import')}
            </Button>
            {saveNow}
          </>
        )
      }
    >
      <StoreBanner />
      {data === undefined ? (
        error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Waiting rows={6} />
        )
      ) : data.data.length === 0 ? (
        <Empty icon={FileText} title={t('node.profiles.none')} action={saveNow}>
          {t('node.profiles.noneAbout')}
        </Empty>
      ) : (
        <div className="grid items-start gap-5 lg:grid-cols-[18rem_1fr]">
          <ProfileList profiles={data.data} chosen={chosen?.id} onChoose={id => change({ id })} />
          {chosen === undefined ? (
            <p className="py-10 text-center text-muted-foreground max-lg:hidden">{t('node.profiles.choose')}</p>
          ) : (
            <Profile key={chosen.id} profile={chosen} />
          )}
        </div>
      )}
      {dialog === 'save' && <SaveDialog onClose={() => setDialog(undefined)} onSaved={id => change({ id })} />}
      {dialog === 'import' && <ImportDialog onClose={() => setDialog(undefined)} />}
    </Page>
  )
}

interface ListProps {
  profiles: readonly ConfigurationSummary[]
  chosen: string | undefined
  onChoose: (id: string) => void
}

function ProfileList({ profiles, chosen, onChoose }: ListProps) {
  const { t } = useTranslation()
  return (
    <ul className="grid overflow-hidden rounded-lg border bg-card">
      {profiles.map(({ id, name, description, active, createdAt }) => (
        <li key={id} className="border-b last:border-b-0">
          <button
            type="button"
            aria-current={id === chosen || undefined}
            onClick={() => onChoose(id)}
            className={cn(
              'grid w-full gap-0.5 px-4 py-3 text-left hover:bg-muted focus-visible:outline-offset-[-2px]',
              id === chosen && 'bg-accent hover:bg-accent',
            )}
          >
            <span className="flex items-center gap-2">
              <span className="min-w-0 flex-1 truncate font-medium">{name}</span>
              {active && <Badge tone="good">{t('node.profiles.active')}</Badge>}
            </span>
            {description && <span className="truncate text-[0.8125rem] text-muted-foreground">{description}</span>}
            <time className="text-xs text-muted-foreground" title={dateTime(createdAt)}>
              {t('node.profiles.updated', { when: relative(createdAt) })}
            </time>
          </button>
        </li>
      ))}
    </ul>
  )
}

function Profile({ profile }: { profile: ConfigurationSummary }) {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const [dialog, setDialog] = useState<'activate' | 'rename' | 'remove'>()
  const { id, name, active } = profile
  const { data, error, refetch } = useApi('GET /configs/:id', { params: { id } })
  const running = useApi('GET /configs/export', {}, { enabled: mayOperate, refetchInterval: calmMs })
  const close = () => setDialog(undefined)
  const isSame = data && running.data && documentText(data.document) === documentText(running.data)
  return (
    <Section
      title={name}
      about={profile.description}
      actions={
        data && (
          <>
            {mayOperate && (
              <Button
                look="primary"
                size="sm"
                className="max-md:h-11"
                disabled={isSame && active}
                onClick={() => setDialog('activate')}
              >
                <Play aria-hidden />
                {t('node.profiles.activate')}
              </Button>
            )}
            <Menu
              items={[
                { label: t('node.profiles.export'), icon: Download, onSelect: () => download(data.document, name) },
                ...(mayOperate
                  ? [
                      { label: t('node.profiles.rename'), icon: Pencil, onSelect: () => setDialog('rename') },
                      null,
                      {
                        label: t('node.profiles.remove'),
                        icon: Trash2,
                        isDangerous: true,
                        isDisabled: active,
                        onSelect: () => setDialog('remove'),
                      },
                    ]
                  : []),
              ]}
            >
              <IconButton label={t('node.profiles.more', { name })} size="sm" className="max-md:size-11">
                <MoreHorizontal aria-hidden />
              </IconButton>
            </Menu>
          </>
        )
      }
    >
      {data === undefined ? (
        error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Waiting />
        )
      ) : running.data === undefined ? (
        mayOperate ? (
          running.error ? (
            <Failed error={running.error} onRetry={() => void running.refetch()} />
          ) : (
            <Waiting />
          )
        ) : (
          <>
            <p className="text-muted-foreground">{t('node.profiles.operatorOnly')}</p>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
            <pre tabIndex={0} className="max-h-[32rem] overflow-auto rounded-lg border bg-card p-4 font-mono text-xs">
              {documentText(data.document)}
            </pre>
          </>
        )
      ) : (
        <div className="grid gap-2">
          {active && !isSame && <p className="text-warning">{t('node.profiles.changedSince')}</p>}
          <h3 className="text-[0.8125rem] text-muted-foreground">{t('node.profiles.diff')}</h3>
          <DiffView running={running.data} wanted={data.document} />
        </div>
      )}
      {data && dialog === 'activate' && <ActivateDialog profile={profile} document={data.document} onClose={close} />}
      {dialog === 'rename' && <RenameDialog profile={profile} onClose={close} />}
      {dialog === 'remove' && <RemoveDialog profile={profile} onClose={close} />}
    </Section>
  )
}
