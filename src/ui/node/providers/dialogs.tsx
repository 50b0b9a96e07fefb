import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { type Provider, type TestResult, useApi, useChange } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { Field, Input, TextArea } from '../../parts/field.tsx'
import { Failed } from '../../parts/states.tsx'
import { configOf, type Draft, draftOf } from './draft.ts'
import { ProviderForm } from './form.tsx'
import { kindOf } from './kinds.ts'
import { providerParts } from './new-provider.ts'
import { Outcome } from './outcome.tsx'

interface Props {
  provider: Provider
  onClose: () => void
}

/** Asks it once, with words of one's own. */
export function TestDialog({ provider, onClose }: Props) {
  const { t } = useTranslation()
  const models = provider.live?.models ?? []
  const [model, setModel] = useState(models[0] ?? '')
  const [prompt, setPrompt] = useState(t('node.providers.promptDefault'))
  const [result, setResult] = useState<TestResult>()
  const test = useChange('POST /providers/:id/test', [])
  const run = () => {
    setResult(undefined)
    test.mutate({ params: { id: provider.id }, body: { model: model.trim(), prompt } }, { onSuccess: setResult })
  }
  const list = `models-${provider.id}`
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('node.providers.testing', { name: provider.name })}
      footer={
        <Button look="primary" isBusy={test.isPending} disabled={model.trim() === '' || prompt === ''} onClick={run}>
          {t('node.providers.runTest')}
        </Button>
      }
    >
      <div className="grid gap-4">
        <Field label={t('node.providers.testModel')}>
          <Input list={list} value={model} onChange={({ target }) => setModel(target.value)} />
        </Field>
        <datalist id={list}>
          {models.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <Field label={t('node.providers.prompt')}>
          <TextArea value={prompt} onChange={({ target }) => setPrompt(target.value)} />
        </Field>
        {test.error !== null && <Failed error={test.error} />}
        {result && <Outcome result={result} />}
      </div>
    </Dialog>
  )
}

export function EditDialog({ provider, onClose }: Props) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState<Draft>(() => draftOf(provider))
  const change = useChange('PUT /providers/:id', providerParts)
  const save = () => {
    const { name, key, takesKeyAway } = draft
    const secret = takesKeyAway ? { key: null } : key !== '' ? { key } : {}
    change.mutate(
      { params: { id: provider.id }, body: { name, config: configOf(draft, provider.config), ...secret } },
      {
        onSuccess: () => {
          toast.success(t('node.providers.saved', { name }))
          onClose()
        },
      },
    )
  }
  const hint = provider.keySource === 'none' ? null : (provider.keyHint ?? t('node.providers.keySealed'))
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('node.providers.editing', { name: provider.name })}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" isBusy={change.isPending} onClick={save}>
            {t('node.providers.save')}
          </Button>
        </>
      }
    >
      <ProviderForm
        kind={kindOf(provider.provider)}
        draft={draft}
        onChange={part => setDraft(before => ({ ...before, ...part }))}
        keyHint={hint}
        error={change.error}
      />
    </Dialog>
  )
}

interface GoneProps extends Props {
  how: 'remove' | 'disable'
}

/** Says what would break, before it does. */
export function GoneDialog({ provider, how, onClose }: GoneProps) {
  const { t } = useTranslation()
  const { name, id } = provider
  const remove = useChange('DELETE /providers/:id', providerParts)
  const disable = useChange('PUT /providers/:id', providerParts)
  const { data: endpoints } = useApi('GET /endpoints', { query: { limit: 200 } })
  const { data: models } = useApi('GET /models')
  const users = usersOf(name, endpoints?.data ?? [])
  const lonely = models?.data.filter(({ offers }) => offers.every(offer => offer.provider === name)) ?? []
  const done = () => {
    toast.success(how === 'remove' ? t('node.providers.removed', { name }) : t('node.providers.disabled', { name }))
    onClose()
  }
  const act = () =>
    how === 'remove'
      ? remove.mutate({ params: { id } }, { onSuccess: done })
      : disable.mutate({ params: { id }, body: { status: 'disabled' } }, { onSuccess: done })
  const error = remove.error ?? disable.error
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={how === 'remove' ? t('node.providers.removeTitle', { name }) : t('node.providers.disableTitle', { name })}
      description={how === 'remove' ? t('node.providers.removeAbout') : t('node.providers.disableAbout')}
      action={how === 'remove' ? t('node.providers.remove') : t('node.providers.disable')}
      isDangerous
      isBusy={remove.isPending || disable.isPending}
      error={error instanceof Error ? error.message : undefined}
      onConfirm={act}
    >
      {users.length > 0 && (
        <Names title={t('node.providers.usedBy')} names={users.map(user => t('node.providers.usedAt', user))} isBad />
      )}
      {lonely.length > 0 && (
        <Names title={t('node.providers.onlyIts', { count: lonely.length })} names={lonely.map(model => model.id)} />
      )}
      {users.length === 0 && lonely.length === 0 && <p>{t('node.providers.nobodyElse')}</p>}
    </Confirm>
  )
}

function Names({ title, names, isBad }: { title: string; names: readonly string[]; isBad?: boolean }) {
  return (
    <div className="grid gap-1">
      <p className={isBad ? 'text-destructive' : undefined}>{title}</p>
      <ul className="max-h-40 list-disc overflow-y-auto pl-5 text-[0.8125rem]">
        {names.map(name => (
          <li key={name} className="break-all">
            {name}
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Names of mappings that have the provider among their targets. */
function usersOf(name: string, endpoints: readonly { path: string; mapping: Record<string, unknown> }[]) {
  return endpoints.flatMap(({ path, mapping }) =>
    Object.entries(mapping).flatMap(([mapped, entry]) => {
      const { targets = [] } = entry as { targets?: readonly { provider?: string }[] }
      return targets.some(({ provider }) => provider === name) ? [{ name: mapped, path }] : []
    }),
  )
}
