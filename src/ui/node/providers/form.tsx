import { useTranslation } from 'react-i18next'
import { ApiError } from '../../client/api.ts'
import { Field, Input, TextArea, Tick } from '../../parts/field.tsx'
import { Failed } from '../../parts/states.tsx'
import type { Draft } from './draft.ts'
import type { ServiceKind } from './kinds.ts'

interface Props {
  kind: ServiceKind
  draft: Draft
  onChange: (change: Partial<Draft>) => void
  /** What is known of the key that is there; undefined for a new provider. */
  keyHint?: string | null
  error: unknown
}

/** What is to be known of a service. What the node finds wrong stands at its field. */
export function ProviderForm({ kind, draft, onChange, keyHint, error }: Props) {
  const { t } = useTranslation()
  const param = error instanceof ApiError ? error.param : undefined
  const wrong = (...names: string[]) =>
    error instanceof ApiError && names.some(name => param === name || param === `config.${name}`)
      ? error.message
      : undefined
  const known = ['name', 'url', 'region', 'resource', 'key', 'models', 'weight', 'priority']
  const isElsewhere = error !== null && error !== undefined && wrong(...known) === undefined
  const text = (name: keyof Draft) => ({
    value: String(draft[name]),
    onChange: ({ target }: { target: { value: string } }) => onChange({ [name]: target.value }),
  })
  return (
    <div className="grid gap-4">
      {isElsewhere && <Failed error={error} />}
      <Field label={t('node.providers.name')} hint={t('node.providers.nameHint')} error={wrong('name')}>
        <Input required maxLength={100} {...text('name')} />
      </Field>
      {kind.asks === 'region' && (
        <Field label={t('node.providers.region')} hint={t('node.providers.regionHint')} error={wrong('region')}>
          <Input {...text('region')} />
        </Field>
      )}
      {kind.asks === 'resource' && (
        <Field label={t('node.providers.resource')} hint={t('node.providers.resourceHint')} error={wrong('resource')}>
          <Input {...text('resource')} />
        </Field>
      )}
      <Field
        label={t('node.providers.url')}
        hint={kind.asks === 'url' ? t('node.providers.urlHint') : t('node.providers.urlOptional')}
        error={wrong('url')}
      >
        <Input type="url" inputMode="url" placeholder={kind.asks === 'url' ? 'https://' : ''} {...text('url')} />
      </Field>
      <KeyField {...{ kind, draft, onChange, keyHint }} error={wrong('key', 'keyEnv')} />
      <Field
        label={t('node.providers.models')}
        hint={kind.isUnlisted ? t('node.providers.modelsNeeded') : t('node.providers.modelsHint')}
        error={wrong('models')}
      >
        <TextArea className="min-h-16 font-mono text-[0.8125rem]" rows={2} {...text('models')} />
      </Field>
      <details className="rounded-md border px-3 py-2">
        <summary className="font-medium">{t('node.providers.advanced')}</summary>
        <div className="grid gap-4 pt-3 sm:grid-cols-2">
          <Field label={t('node.providers.weight')} hint={t('node.providers.weightHint')} error={wrong('weight')}>
            <Input type="number" min={0} step="any" placeholder="1" {...text('weight')} />
          </Field>
          <Field label={t('node.providers.priority')} hint={t('node.providers.priorityHint')} error={wrong('priority')}>
            <Input type="number" min={1} max={100} placeholder="1" {...text('priority')} />
          </Field>
          {draft.keptPrices.length > 0 ? (
            <p className="text-muted-foreground sm:col-span-2">{t('node.providers.priceKept')}</p>
          ) : (
            <>
              <Field label={t('node.providers.priceIn')}>
                <Input inputMode="decimal" placeholder="0.25" {...text('priceIn')} />
              </Field>
              <Field label={t('node.providers.priceOut')}>
                <Input inputMode="decimal" placeholder="2" {...text('priceOut')} />
              </Field>
            </>
          )}
        </div>
      </details>
    </div>
  )
}

function KeyField({ kind, draft, onChange, keyHint, error }: Omit<Props, 'error'> & { error: string | undefined }) {
  const { t } = useTranslation()
  const usual =
    kind.key === 'optional'
      ? `${t('node.providers.keyOptional')} ${t('node.providers.keyHint')}`
      : t('node.providers.keyHint')
  return (
    <div className="grid gap-2">
      <Field
        label={t('node.providers.key')}
        hint={keyHint ? t('node.providers.keyStays', { hint: keyHint }) : usual}
        error={error}
      >
        <Input
          type="password"
          autoComplete="new-password"
          data-secret
          disabled={draft.takesKeyAway}
          value={draft.key}
          onChange={({ target }) => onChange({ key: target.value })}
        />
      </Field>
      {keyHint && (
        <Tick
          label={t('node.providers.keyRemove')}
          checked={draft.takesKeyAway}
          onChange={takesKeyAway => onChange({ takesKeyAway, key: '' })}
        />
      )}
    </div>
  )
}
