import { Cable, Pencil, Plug, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '../../parts/badge.tsx'
import { Button, IconButton } from '../../parts/button.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { Empty } from '../../parts/states.tsx'
import { holdSecret, keepSecret, useVault } from '../vault.ts'
import type { PresetName } from './address.ts'
import {
  activate,
  type ConnectionEntry,
  connectionOf,
  readinessOf,
  removeEntry,
  useConnections,
} from './connections.ts'
import { EditConnection } from './edit.tsx'
import { type ProbeResult, probe } from './probe.ts'
import { VaultSection } from './vault-section.tsx'

/** Settings → Connections: where a client without a node asks. */
export function Screen() {
  const { t } = useTranslation()
  const { entries } = useConnections()
  const [edited, setEdited] = useState<ConnectionEntry | PresetName>()
  const add = (
    <Button look="primary" onClick={() => setEdited('openai')}>
      <Plus aria-hidden />
      {t('storage.connections.add')}
    </Button>
  )
  return (
    <Page
      isNarrow
      title={t('storage.connections.title')}
      about={t('storage.connections.about')}
      actions={entries.length > 0 && add}
    >
      {entries.length === 0 ? (
        <Empty icon={Cable} title={t('storage.connections.empty')} action={add}>
          {t('storage.connections.emptyAbout')}
        </Empty>
      ) : (
        <ul className="grid gap-3">
          {entries.map(entry => (
            <li key={entry.id}>
              <Entry entry={entry} onEdit={() => setEdited(entry)} />
            </li>
          ))}
        </ul>
      )}
      <VaultSection />
      {edited !== undefined && <EditConnection entry={edited} onClose={() => setEdited(undefined)} />}
    </Page>
  )
}

function Entry({ entry, onEdit }: { entry: ConnectionEntry; onEdit: () => void }) {
  const { t } = useTranslation()
  const { id, name, baseUrl, proxyUrl } = entry
  const isActive = useConnections(({ activeId }) => activeId === id)
  const readiness = readinessOf(entry, useVault())
  const [isRemoving, setIsRemoving] = useState(false)
  const [result, setResult] = useState<ProbeResult | 'testing'>()
  const test = async () => {
    setResult('testing')
    setResult(await probe(entry, connectionOf(entry)))
  }
  return (
    <Card className="grid gap-3">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="grid min-w-0 gap-0.5">
          <h2 className="flex flex-wrap items-center gap-2 font-semibold">
            {name}
            {isActive && <Badge tone="accent">{t('storage.connections.inUse')}</Badge>}
            {readiness === 'locked' && <Badge tone="warning">{t('storage.connections.locked')}</Badge>}
            {readiness === 'missing' && <Badge tone="warning">{t('storage.connections.keyMissing')}</Badge>}
          </h2>
          <p className="truncate font-mono text-[0.8125rem] text-muted-foreground">{baseUrl}</p>
          {proxyUrl !== '' && (
            <p className="truncate text-[0.8125rem] text-muted-foreground">
              {t('storage.connections.proxyUrl')}: <span className="font-mono">{proxyUrl}</span>
            </p>
          )}
        </div>
        <div className="flex flex-wrap gap-1">
          {!isActive && (
            <Button size="sm" onClick={() => activate(id)}>
              {t('storage.connections.use')}
            </Button>
          )}
          <Button size="sm" isBusy={result === 'testing'} disabled={readiness !== 'ready'} onClick={() => void test()}>
            {result !== 'testing' && <Plug aria-hidden />}
            {t('storage.connections.test')}
          </Button>
          <IconButton size="sm" label={t('common.edit')} onClick={onEdit}>
            <Pencil aria-hidden />
          </IconButton>
          <IconButton size="sm" label={t('common.remove')} onClick={() => setIsRemoving(true)}>
            <Trash2 aria-hidden />
          </IconButton>
        </div>
      </div>
      {result !== undefined && result !== 'testing' && <Result result={result} onEdit={onEdit} />}
      <Confirm
        isOpen={isRemoving}
        isDangerous
        onClose={() => setIsRemoving(false)}
        title={t('storage.connections.remove', { name })}
        description={t('storage.connections.removeAbout')}
        action={t('common.remove')}
        onConfirm={() => {
          holdSecret(id, undefined)
          if (useVault.getState().state === 'open') void keepSecret(id, undefined)
          removeEntry(id)
        }}
      />
    </Card>
  )
}

function Result({ result, onEdit }: { result: ProbeResult; onEdit: () => void }) {
  const { t } = useTranslation()
  const isGood = result.state === 'works'
  return (
    <div
      role="status"
      className={`flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md border px-3 py-2 ${isGood ? 'border-success/40 bg-success/8' : 'border-warning/40 bg-warning/8'}`}
    >
      <p className="min-w-0 flex-1">{useResultText(result)}</p>
      {result.state === 'forbids_browsers' && (
        <Button size="sm" onClick={onEdit}>
          {t('storage.connections.proxyUrl')}
        </Button>
      )}
    </div>
  )
}

function useResultText(result: ProbeResult): string {
  const { t } = useTranslation()
  switch (result.state) {
    case 'works':
      return t('storage.connections.works', { count: result.models })
    case 'key_wrong':
      return t('storage.connections.keyWrong', { status: result.status })
    case 'forbids_browsers':
      return t('storage.connections.forbidsBrowsers')
    case 'proxy_away':
      return t('storage.connections.proxyAway')
    case 'away':
      return t('storage.connections.away')
    case 'failed':
      return t('storage.connections.failed', { reason: result.reason })
  }
}
