import { FlaskConical, MoreHorizontal, Pencil, Power, Trash2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { type Provider, useChange } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button, IconButton } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { duration, number } from '../../parts/format.ts'
import { Menu } from '../../parts/menu.tsx'
import { Card, Facts } from '../../parts/page.tsx'
import { useNow } from '../shared/pace.ts'
import { useReason } from '../shared/reason.tsx'
import { type LiveState, StateBadge } from '../shared/state-badge.tsx'
import { EditDialog, GoneDialog, TestDialog } from './dialogs.tsx'
import { providerParts } from './new-provider.ts'

/** Whoever may answer, wherever it was set up. */
export interface Seen {
  readonly name: string
  readonly kind: string
  readonly state: LiveState
  readonly coolsDownUntil?: string
  readonly lastErrorCode?: string
  readonly models: readonly string[]
  readonly running: number
}

interface CardProps {
  seen: Seen
  facts?: readonly (readonly [ReactNode, ReactNode] | null)[]
  actions?: ReactNode
}

const modelsShown = 4

export function SeenCard({ seen, facts = [], actions }: CardProps) {
  const { t } = useTranslation()
  const { name, kind, state, models, running } = seen
  const more = models.length - modelsShown
  return (
    <Card className={cn('flex h-full flex-col gap-3', state === 'disabled' && 'bg-muted')}>
      <div id={name} className="flex items-start gap-2">
        <div className="grid min-w-0 flex-1 gap-0.5">
          <h3 className="truncate font-semibold" title={name}>
            {name}
          </h3>
          <p className="text-xs text-muted-foreground">{kind}</p>
        </div>
        <StateBadge state={state} />
      </div>
      <Rest seen={seen} />
      <Facts
        facts={[
          ...facts,
          [
            t('node.providers.models'),
            models.length === 0 ? (
              <span key="none" className="text-muted-foreground">
                {t('node.providers.modelsNone')}
              </span>
            ) : (
              <span key="models" title={models.join('\n')}>
                {models.slice(0, modelsShown).join(', ')}
                {more > 0 && ` ${t('node.providers.modelsMore', { count: more })}`}
              </span>
            ),
          ],
          running > 0 ? [t('node.providers.running'), number(running)] : null,
        ]}
      />
      {actions && <div className="mt-auto flex items-center gap-2 pt-1">{actions}</div>}
    </Card>
  )
}

/** Why it rests or is down, and when it is asked again. */
function Rest({ seen: { state, coolsDownUntil, lastErrorCode } }: { seen: Seen }) {
  const { t } = useTranslation()
  const reason = useReason()
  const now = useNow(1_000)
  if (state !== 'resting' && state !== 'down') return null
  const left = coolsDownUntil === undefined ? undefined : Date.parse(coolsDownUntil) - now
  return (
    <div className="grid gap-1 rounded-md border border-warning/40 bg-warning/8 px-3 py-2 text-[0.8125rem]">
      {lastErrorCode !== undefined && (
        <p>
          {reason(lastErrorCode).why} <span className="text-muted-foreground">{reason(lastErrorCode).fix}</span>
        </p>
      )}
      {left !== undefined && (
        <p className="tabular text-muted-foreground">
          {left > 0
            ? t('node.providers.coolsDown', { time: duration(Math.ceil(left / 1_000) * 1_000) })
            : t('node.providers.coolsDownNow')}
        </p>
      )}
    </div>
  )
}

/** One that was set up here, and what can be done with it. */
export function ProviderCard({ provider }: { provider: Provider }) {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const [dialog, setDialog] = useState<'test' | 'edit' | 'remove' | 'disable'>()
  const change = useChange('PUT /providers/:id', providerParts)
  const { id, name, config, keySource, keyHint, live, status } = provider
  const isOn = status === 'active'
  const enable = () =>
    change.mutate(
      { params: { id }, body: { status: 'active' } },
      {
        onSuccess: () => toast.success(t('node.providers.enabled', { name })),
        onError: error => toast.error(error instanceof Error ? error.message : String(error)),
      },
    )
  const close = () => setDialog(undefined)
  const seen: Seen = {
    ...(live ?? { models: (config.models as string[] | undefined) ?? [], running: 0 }),
    name,
    kind: provider.provider,
    state: isOn ? (live?.state ?? 'down') : 'disabled',
  }
  const url = config.url ?? config.region ?? config.resource
  return (
    <>
      <SeenCard
        seen={seen}
        facts={[
          url === undefined
            ? null
            : [
                t('node.providers.url'),
                <span key="url" className="break-all">
                  {String(url)}
                </span>,
              ],
          [
            t('node.providers.key'),
            keySource === 'none' ? (
              <span key="none" className="text-muted-foreground">
                {t('node.providers.keyNone')}
              </span>
            ) : (
              <span key="key" className="font-mono text-[0.8125rem]">
                {keySource === 'variable'
                  ? keyHint
                  : keyHint === null
                    ? t('node.providers.keySealed')
                    : `••••${keyHint}`}
              </span>
            ),
          ],
        ]}
        actions={
          mayOperate && (
            <>
              <Button size="sm" className="max-md:h-11" disabled={!isOn} onClick={() => setDialog('test')}>
                <FlaskConical aria-hidden />
                {t('node.providers.test')}
              </Button>
              <Button size="sm" className="max-md:h-11" onClick={() => setDialog('edit')}>
                <Pencil aria-hidden />
                {t('node.providers.edit')}
              </Button>
              <span className="flex-1" />
              <Menu
                items={[
                  {
                    label: isOn ? t('node.providers.disable') : t('node.providers.enable'),
                    icon: Power,
                    onSelect: () => (isOn ? setDialog('disable') : enable()),
                  },
                  null,
                  {
                    label: t('node.providers.remove'),
                    icon: Trash2,
                    isDangerous: true,
                    onSelect: () => setDialog('remove'),
                  },
                ]}
              >
                <IconButton label={t('node.providers.more', { name })} size="sm" className="max-md:size-11">
                  <MoreHorizontal aria-hidden />
                </IconButton>
              </Menu>
            </>
          )
        }
      />
      {dialog === 'test' && <TestDialog provider={provider} onClose={close} />}
      {dialog === 'edit' && <EditDialog provider={provider} onClose={close} />}
      {(dialog === 'remove' || dialog === 'disable') && <GoneDialog provider={provider} how={dialog} onClose={close} />}
    </>
  )
}

export function FileCard({ seen, source }: { seen: Seen; source: 'file' | 'code' }) {
  const { t } = useTranslation()
  return (
    <SeenCard
      seen={{
        ...seen,
        kind: `${seen.kind} · ${source === 'file' ? t('node.providers.fromFile') : t('node.providers.fromCode')}`,
      }}
      actions={source === 'file' && <p className="text-xs text-muted-foreground">{t('node.providers.readonlyFile')}</p>}
    />
  )
}
