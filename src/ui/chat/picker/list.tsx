import { Link } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useConnection } from '../../client/connection.ts'
import { isNode } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { Code } from '../../parts/copy.tsx'
import { relative } from '../../parts/format.ts'
import { Banner, Empty, Failed, Waiting } from '../../parts/states.tsx'
import { useCanPay, useModels } from '../models.ts'
import { prefer, usePreferences } from '../preferences.ts'
import { ranked, type Sort, summaryOf } from '../rank.ts'
import { ModelFacts } from './facts.tsx'
import { ModelRow } from './row.tsx'

interface PickerListProps {
  model: string | null
  provider?: string | undefined
  onModel: (model: string) => void
  /** Missing where nobody in particular can be asked. */
  onProvider?: ((model: string, provider: string | undefined) => void) | undefined
}

const pullCommand = 'parley pull hf:Qwen/Qwen3-0.6B-GGUF:Q8_0'

/** Every model there is, and what is known of the one that is looked at. */
export function PickerList({ model, provider, onModel, onProvider }: PickerListProps) {
  const { t } = useTranslation()
  const { models, isPending, error, isStale, readAt, refetch } = useModels()
  const { pins, sort } = usePreferences()
  const canPay = useCanPay()
  const [looked, setLooked] = useState(model ?? '')
  const order = useMemo(() => ranked(models, sort, pins), [models, sort, pins])
  const shown = order.find(({ id }) => id.toLowerCase() === looked.toLowerCase()) ?? order[0]
  if (isPending) return <Waiting rows={6} />
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />
  if (models.length === 0 || shown === undefined) return <NoModels />
  return (
    <div className="grid min-h-0 gap-3 md:grid-cols-[minmax(0,1fr)_17rem]">
      <Command
        label={t('chat.picker.name')}
        value={looked}
        onValueChange={setLooked}
        className="flex min-h-0 min-w-0 flex-col gap-2"
      >
        <Command.Input
          autoFocus
          placeholder={t('chat.picker.search')}
          className="h-9 w-full shrink-0 rounded-md border border-input bg-card px-3 max-md:h-11 max-md:text-base"
        />
        <Sorts sort={sort} />
        {isStale && (
          <Banner tone="warning" title={t('chat.picker.stale')}>
            {t('chat.picker.staleAbout', { when: relative(readAt) })}
          </Banner>
        )}
        {models.every(each => summaryOf(each).isDown) && (
          <Banner tone="warning" title={t('chat.picker.allDown')}>
            {t('chat.picker.allDownAbout')}
          </Banner>
        )}
        <Command.List className="-mx-1 max-h-[min(24rem,50dvh)] min-h-0 flex-1 overflow-y-auto px-1">
          <Command.Empty className="px-3 py-6 text-center text-muted-foreground">
            {t('chat.picker.nothing')}
          </Command.Empty>
          {order.map(each => (
            <ModelRow
              key={each.id}
              model={each}
              isChosen={each.id === model}
              isPinned={pins.includes(each.id)}
              canPay={canPay}
              onChoose={() => onModel(each.id)}
            />
          ))}
        </Command.List>
      </Command>
      <div className="min-h-0 overflow-y-auto md:max-h-[min(30rem,60dvh)] md:border-l md:pl-3">
        <ModelFacts
          model={shown}
          isPinned={pins.includes(shown.id)}
          canPay={canPay}
          provider={shown.id === model ? provider : undefined}
          onProvider={onProvider && (name => onProvider(shown.id, name))}
        />
      </div>
    </div>
  )
}

function Sorts({ sort }: { sort: Sort }) {
  const { t } = useTranslation()
  return (
    <fieldset className="flex gap-1" aria-label={t('chat.picker.sort')}>
      {(['best', 'cheapest', 'fastest'] as const).map(name => (
        <button
          key={name}
          type="button"
          aria-pressed={sort === name}
          onClick={() => prefer({ sort: name })}
          className={cn(
            'h-7 rounded-full border px-2.5 text-xs max-md:h-11 max-md:px-4 max-md:text-sm',
            sort === name ? 'border-primary bg-accent text-accent-foreground' : 'text-muted-foreground hover:bg-muted',
          )}
        >
          {t(`chat.picker.sorts.${name}`)}
        </button>
      ))}
    </fieldset>
  )
}

/** What to do where nobody answers. */
export function NoModels() {
  const { t } = useTranslation()
  const isConnected = useConnection() !== undefined
  if (!isNode) {
    return (
      <Empty
        title={isConnected ? t('chat.picker.none') : t('chat.noConnection')}
        action={
          <Button asChild look="primary">
            <Link to={'/settings/connections' as '/'}>{t('chat.toConnections')}</Link>
          </Button>
        }
      >
        {isConnected ? t('chat.picker.noneThere') : t('chat.noConnectionAbout')}
      </Empty>
    )
  }
  return (
    <Empty
      title={t('chat.picker.none')}
      action={
        <Button asChild>
          <Link to={'/node/providers' as '/'}>{t('chat.picker.addProvider')}</Link>
        </Button>
      }
    >
      <p className="mb-2">{t('chat.picker.noneAbout')}</p>
      <Code text={pullCommand} />
    </Empty>
  )
}
