import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { type Endpoint, useApi, useChange } from '../../client/api.ts'
import { Button, IconButton } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field, Input, Select, Switch } from '../../parts/field.tsx'
import { Failed } from '../../parts/states.tsx'
import {
  type Mapping,
  mappedOf,
  type NameDraft,
  nameDraftOf,
  newTarget,
  type PolicyName,
  policyNames,
  type TargetDraft,
  withName,
} from './mapping.ts'

interface Props {
  endpoint: Endpoint
  /** Undefined for a new one. */
  name: string | undefined
  onClose: () => void
}

/** One name of one's own: what it is called, and who answers it. */
export function NameDialog({ endpoint, name, onClose }: Props) {
  const { t } = useTranslation()
  const mapping = endpoint.mapping as Mapping
  const [draft, setDraft] = useState(() => nameDraftOf(name ?? '', name === undefined ? undefined : mapping[name]))
  const change = useChange('PUT /endpoints/:id', ['/endpoints', '/models'])
  const set = (part: Partial<NameDraft>) => setDraft(before => ({ ...before, ...part }))
  const isTaken = draft.name !== name && Object.hasOwn(mapping, draft.name)
  const save = () => {
    const next = withName(mapping, name, draft.name.trim(), mappedOf(draft))
    change.mutate(
      { params: { id: endpoint.id }, body: { mapping: next as never } },
      {
        onSuccess: () => {
          toast.success(t('node.endpoints.saved', { name: draft.name }))
          onClose()
        },
      },
    )
  }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      shape="wide"
      title={name === undefined ? t('node.endpoints.newName') : t('node.endpoints.editName', { name })}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            look="primary"
            isBusy={change.isPending}
            disabled={draft.name.trim() === '' || isTaken}
            onClick={save}
          >
            {t('common.save')}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        {change.error !== null && <Failed error={change.error} />}
        <div className="grid gap-4 md:grid-cols-2">
          <Field
            label={t('node.endpoints.name')}
            hint={t('node.endpoints.nameHint')}
            error={isTaken && t('node.endpoints.taken')}
          >
            <Input value={draft.name} maxLength={128} onChange={({ target }) => set({ name: target.value })} />
          </Field>
          <Field label={t('node.endpoints.aliases')} hint={t('node.endpoints.aliasesHint')}>
            <Input value={draft.aliases} onChange={({ target }) => set({ aliases: target.value })} />
          </Field>
          <Field label={t('node.endpoints.policy')}>
            <Select value={draft.policy} onChange={({ target }) => set({ policy: target.value as PolicyName | '' })}>
              <option value="">{t('node.endpoints.policyUsual')}</option>
              {policyNames.map(policy => (
                <option key={policy} value={policy}>
                  {t(`node.endpoints.policies.${policy}`)}
                </option>
              ))}
            </Select>
          </Field>
          <Switch
            label={t('node.endpoints.continues')}
            hint={t('node.endpoints.continuesHint')}
            checked={draft.continues}
            onChange={continues => set({ continues })}
          />
        </div>
        <Targets name={draft.name} targets={draft.targets} onChange={targets => set({ targets })} />
      </div>
    </Dialog>
  )
}

interface TargetsProps {
  name: string
  targets: readonly TargetDraft[]
  onChange: (targets: readonly TargetDraft[]) => void
}

const targetsMax = 64

function Targets({ name, targets, onChange }: TargetsProps) {
  const { t } = useTranslation()
  const { data: status } = useApi('GET /status')
  const { data: models } = useApi('GET /models')
  const names = [
    ...(status?.upstreams.map(upstream => upstream.name) ?? []),
    ...(models?.data.flatMap(({ offers }) => offers.map(({ provider }) => provider)) ?? []),
    ...targets.map(({ provider }) => provider),
  ]
  const providers = [...new Set(names)].filter(each => each !== '').toSorted()
  const move = (from: number, to: number) => {
    const next = [...targets]
    next.splice(to, 0, ...next.splice(from, 1))
    onChange(next)
  }
  return (
    <fieldset className="grid gap-3">
      <legend className="font-medium">{t('node.endpoints.targets')}</legend>
      <p className="text-[0.8125rem] text-muted-foreground">{t('node.endpoints.targetsHint')}</p>
      <ol className="grid gap-3">
        {targets.map((target, index) => (
          <li key={target.key}>
            <TargetRow
              target={target}
              place={index + 1}
              name={name}
              providers={providers}
              models={modelsOf(target.provider)}
              onChange={part => onChange(targets.with(index, { ...target, ...part }))}
              onUp={index > 0 ? () => move(index, index - 1) : undefined}
              onDown={index < targets.length - 1 ? () => move(index, index + 1) : undefined}
              onRemove={targets.length > 1 ? () => onChange(targets.toSpliced(index, 1)) : undefined}
            />
          </li>
        ))}
      </ol>
      <Button
        size="sm"
        className="justify-self-start max-md:h-11"
        disabled={targets.length >= targetsMax}
        onClick={() => onChange([...targets, newTarget()])}
      >
        <Plus aria-hidden />
        {t('node.endpoints.addTarget')}
      </Button>
    </fieldset>
  )

  function modelsOf(provider: string): readonly string[] {
    if (provider === '') return models?.data.map(({ id }) => id) ?? []
    const own = status?.upstreams.find(upstream => upstream.name === provider)?.models
    return (
      own ??
      models?.data.filter(({ offers }) => offers.some(offer => offer.provider === provider)).map(({ id }) => id) ??
      []
    )
  }
}

interface RowProps {
  target: TargetDraft
  place: number
  name: string
  providers: readonly string[]
  models: readonly string[]
  onChange: (part: Partial<TargetDraft>) => void
  onUp: (() => void) | undefined
  onDown: (() => void) | undefined
  onRemove: (() => void) | undefined
}

function TargetRow({ target, place, name, providers, models, onChange, onUp, onDown, onRemove }: RowProps) {
  const { t } = useTranslation()
  const list = `target-${target.key}`
  return (
    <fieldset className="grid grid-cols-2 items-end gap-2 rounded-md border p-3 md:grid-cols-[2fr_2fr_5rem_5rem_auto]">
      <legend className="sr-only">{t('node.endpoints.target', { place })}</legend>
      <Field label={t('node.endpoints.provider')}>
        <Select value={target.provider} onChange={event => onChange({ provider: event.target.value })}>
          <option value="">{t('node.endpoints.anyProvider')}</option>
          {providers.map(provider => (
            <option key={provider}>{provider}</option>
          ))}
        </Select>
      </Field>
      <Field label={t('node.endpoints.model')}>
        <Input
          list={list}
          placeholder={name || t('node.endpoints.modelSame')}
          value={target.model}
          onChange={event => onChange({ model: event.target.value })}
        />
      </Field>
      <datalist id={list}>
        {models.map(model => (
          <option key={model} value={model} />
        ))}
      </datalist>
      <Field label={t('node.endpoints.weight')}>
        <Input
          type="number"
          min={0}
          step="any"
          value={target.weight}
          onChange={event => onChange({ weight: event.target.value })}
        />
      </Field>
      <Field label={t('node.endpoints.priority')}>
        <Input
          type="number"
          min={1}
          max={100}
          value={target.priority}
          onChange={event => onChange({ priority: event.target.value })}
        />
      </Field>
      <span className="flex max-md:col-span-2 max-md:justify-end">
        <IconButton label={t('node.endpoints.up')} size="sm" disabled={onUp === undefined} onClick={onUp}>
          <ArrowUp aria-hidden />
        </IconButton>
        <IconButton label={t('node.endpoints.down')} size="sm" disabled={onDown === undefined} onClick={onDown}>
          <ArrowDown aria-hidden />
        </IconButton>
        <IconButton
          label={t('node.endpoints.removeTarget')}
          size="sm"
          disabled={onRemove === undefined}
          onClick={onRemove}
        >
          <Trash2 aria-hidden />
        </IconButton>
      </span>
    </fieldset>
  )
}
