import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { ApiError, type ConfigurationChanges, type ConfigurationSummary, useApi, useChange } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { Field, Input, TextArea } from '../../parts/field.tsx'
import { Banner, Failed, Waiting } from '../../parts/states.tsx'
import { providerParts } from '../providers/new-provider.ts'
import { Changes } from './changes.tsx'

export function SaveDialog({ onClose, onSaved }: { onClose: () => void; onSaved: (id: string) => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const save = useChange('POST /configs')
  const act = () =>
    save.mutate(
      { body: { name: name.trim(), description } },
      {
        onSuccess: ({ id }) => {
          toast.success(t('node.profiles.saved', { name }))
          onSaved(id)
          onClose()
        },
      },
    )
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('node.profiles.saveTitle')}
      description={t('node.profiles.saveAbout')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" isBusy={save.isPending} disabled={name.trim() === ''} onClick={act}>
            {t('common.save')}
          </Button>
        </>
      }
    >
      <NameFields {...{ name, setName, description, setDescription }} error={save.error} />
    </Dialog>
  )
}

export function RenameDialog({ profile, onClose }: { profile: ConfigurationSummary; onClose: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState(profile.name)
  const [description, setDescription] = useState(profile.description)
  const change = useChange('PUT /configs/:id')
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('node.profiles.renameTitle', { name: profile.name })}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            look="primary"
            isBusy={change.isPending}
            disabled={name.trim() === ''}
            onClick={() =>
              change.mutate(
                { params: { id: profile.id }, body: { name: name.trim(), description } },
                { onSuccess: onClose },
              )
            }
          >
            {t('common.save')}
          </Button>
        </>
      }
    >
      <NameFields {...{ name, setName, description, setDescription }} error={change.error} />
    </Dialog>
  )
}

interface NameProps {
  name: string
  setName: (name: string) => void
  description: string
  setDescription: (description: string) => void
  error: unknown
}

function NameFields({ name, setName, description, setDescription, error }: NameProps) {
  const { t } = useTranslation()
  return (
    <div className="grid gap-4">
      {error !== null && <Failed error={error} />}
      <Field label={t('node.profiles.name')}>
        <Input value={name} maxLength={100} onChange={({ target }) => setName(target.value)} />
      </Field>
      <Field label={t('node.profiles.description')}>
        <TextArea value={description} maxLength={2_000} onChange={({ target }) => setDescription(target.value)} />
      </Field>
    </div>
  )
}

interface ProfileProps {
  profile: ConfigurationSummary
  onClose: () => void
}

/** Says what would change before it does; an older one brings back what ran then. */
export function ActivateDialog({ profile: { id, name }, document, onClose }: ProfileProps & { document: unknown }) {
  const { t } = useTranslation()
  const activate = useChange('POST /configs/:id/activate', providerParts)
  const plan = useTrial(document, true)
  const act = () =>
    activate.mutate(
      { params: { id } },
      {
        onSuccess: () => {
          toast.success(t('node.profiles.activated', { name }))
          onClose()
        },
      },
    )
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={t('node.profiles.activateTitle', { name })}
      description={t('node.profiles.activateAbout')}
      action={t('node.profiles.activate')}
      isBusy={activate.isPending}
      error={activate.error instanceof Error ? activate.error.message : undefined}
      onConfirm={act}
    >
      <PlanView {...plan} />
    </Confirm>
  )
}

export function RemoveDialog({ profile: { id, name }, onClose }: ProfileProps) {
  const { t } = useTranslation()
  const remove = useChange('DELETE /configs/:id')
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={t('node.profiles.removeTitle', { name })}
      description={t('node.profiles.removeAbout')}
      action={t('node.profiles.remove')}
      isDangerous
      isBusy={remove.isPending}
      error={remove.error instanceof Error ? remove.error.message : undefined}
      onConfirm={() =>
        remove.mutate(
          { params: { id } },
          {
            onSuccess: () => {
              toast.success(t('node.profiles.removed', { name }))
              onClose()
            },
          },
        )
      }
    />
  )
}

/** What an import would change, without importing anything. */
export function useTrial(document: unknown, isOn: boolean) {
  const { data, error, isFetching } = useApi(
    'POST /configs/import',
    { body: { config: document as never, dryRun: true } },
    { enabled: isOn, staleTime: 0, gcTime: 0, retry: false },
  )
  return { changes: data as ConfigurationChanges | undefined, error, isBusy: isFetching }
}

export function PlanView({ changes, error, isBusy }: ReturnType<typeof useTrial>) {
  const { t } = useTranslation()
  if (error) {
    return (
      <Banner tone="bad" title={t('node.profiles.conflict')}>
        <p>
          {error.message}
          {error instanceof ApiError && error.param !== undefined && !error.message.startsWith(error.param) && (
            <code className="ml-1 text-xs">{error.param}</code>
          )}
        </p>
        <p>{t('node.profiles.conflictFields')}</p>
      </Banner>
    )
  }
  if (changes === undefined) return isBusy ? <Waiting rows={3} /> : null
  return <Changes changes={changes} />
}
