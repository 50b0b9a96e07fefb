import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field, Input, Select, TextArea } from '../../parts/field.tsx'
import { createVault, dropSecret, holdSecret, keepSecret, type Secret, secretOf, useVault } from '../vault.ts'
import { addressProblem, type PresetName, parseHeaders, presetNames, presets, writeHeaders } from './address.ts'
import { activate, type ConnectionEntry, keepEntry } from './connections.ts'
import { NewPassphrase, passphraseProblem, UnlockForm } from './unlock.tsx'

interface EditProps {
  /** A name of a preset for a new one. */
  entry: ConnectionEntry | PresetName
  onClose: () => void
}

interface Draft {
  readonly name: string
  readonly baseUrl: string
  readonly proxyUrl: string
  readonly key: string
  readonly headers: string
  readonly kept: 'memory' | 'vault'
  readonly passphrase: string
  readonly again: string
}

function draftOf(entry: ConnectionEntry | PresetName): Draft {
  const none = { key: '', passphrase: '', again: '' }
  if (typeof entry === 'string') {
    const { name, baseUrl } = presets[entry]
    return { ...none, name, baseUrl, proxyUrl: '', headers: '', kept: 'memory' }
  }
  const { name, baseUrl, proxyUrl, kept } = entry
  const headers = writeHeaders(secretOf(entry)?.headers ?? {})
  return { ...none, name, baseUrl, proxyUrl, headers, kept: kept === 'vault' ? 'vault' : 'memory' }
}

/** One connection, new or changed. */
export function EditConnection({ entry, onClose }: EditProps) {
  const { t } = useTranslation()
  const isNew = typeof entry === 'string'
  const [preset, setPreset] = useState<PresetName>(isNew ? entry : 'other')
  const [draft, setDraft] = useState(() => draftOf(entry))
  const [isChecked, setIsChecked] = useState(false)
  const [isSaving, setIsSaving] = useState(false)
  const vaultState = useVault(({ state }) => state)
  const change = (part: Partial<Draft>) => setDraft(now => ({ ...now, ...part }))
  const problems = useProblems(draft, vaultState)
  // A key is for the service it was given for, not for whatever the address says now.
  const isMoved = !isNew && originOf(entry.baseUrl) !== originOf(draft.baseUrl)
  const known = isNew || isMoved ? undefined : secretOf(entry)
  const [failure, setFailure] = useState<string>()

  const save = async (event: FormEvent) => {
    event.preventDefault()
    setIsChecked(true)
    if (problems.any) return
    setIsSaving(true)
    try {
      await keep(isNew ? undefined : entry.id, draft, known)
      onClose()
    } catch (cause) {
      setFailure(String(cause))
      setIsSaving(false)
    }
  }

  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t(isNew ? 'storage.connections.add' : 'storage.connections.edit')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="connection" look="primary" isBusy={isSaving}>
            {t('common.save')}
          </Button>
        </>
      }
    >
      <form id="connection" className="grid gap-4" onSubmit={event => void save(event)}>
        {isNew && (
          <Field label={t('storage.connections.preset')}>
            <Select
              value={preset}
              onChange={event => {
                const name = event.target.value as PresetName
                setPreset(name)
                change({ name: presets[name].name, baseUrl: presets[name].baseUrl })
              }}
            >
              {presetNames.map(name => (
                <option key={name} value={name}>
                  {t(`storage.connections.presets.${name}`)}
                </option>
              ))}
            </Select>
          </Field>
        )}
        <div className="grid gap-4 sm:grid-cols-[1fr_2fr]">
          <Field label={t('storage.connections.name')} error={isChecked && problems.name}>
            <Input value={draft.name} maxLength={100} onChange={event => change({ name: event.target.value })} />
          </Field>
          <Field
            label={t('storage.connections.baseUrl')}
            hint={
              preset === 'ollama'
                ? t('storage.connections.ollamaHint', { origin: location.origin })
                : t('storage.connections.baseUrlHint')
            }
            error={isChecked && problems.baseUrl}
          >
            <Input
              value={draft.baseUrl}
              inputMode="url"
              placeholder="https://"
              onChange={event => change({ baseUrl: event.target.value })}
            />
          </Field>
        </div>
        <Field
          label={t('storage.connections.key')}
          hint={t(known === undefined ? 'storage.connections.keyHint' : 'storage.connections.keyKept')}
        >
          <Input
            type="password"
            autoComplete="off"
            value={draft.key}
            onChange={event => change({ key: event.target.value })}
          />
        </Field>
        <Field label={t('storage.connections.kept')}>
          <Select value={draft.kept} onChange={event => change({ kept: event.target.value as Draft['kept'] })}>
            <option value="memory">{t('storage.connections.keptMemory')}</option>
            <option value="vault">{t('storage.connections.keptVault')}</option>
          </Select>
        </Field>
        {draft.kept === 'vault' && vaultState === 'none' && (
          <NewPassphrase
            value={draft.passphrase}
            onChange={passphrase => change({ passphrase })}
            again={draft.again}
            onAgain={again => change({ again })}
            isChecked={isChecked}
          />
        )}
        <details className="group" open={draft.proxyUrl !== '' || draft.headers !== '' || undefined}>
          <summary className="font-medium">{t('storage.connections.advanced')}</summary>
          <div className="mt-3 grid gap-4">
            <Field
              label={t('storage.connections.proxyUrl')}
              hint={t('storage.connections.proxyUrlHint')}
              error={isChecked && problems.proxyUrl}
            >
              <Input
                value={draft.proxyUrl}
                inputMode="url"
                placeholder="https://"
                onChange={event => change({ proxyUrl: event.target.value })}
              />
            </Field>
            <Field
              label={t('storage.connections.headers')}
              hint={t('storage.connections.headersHint')}
              error={isChecked && problems.headers}
            >
              <TextArea
                rows={2}
                spellCheck={false}
                className="font-mono text-[0.8125rem]"
                value={draft.headers}
                onChange={event => change({ headers: event.target.value })}
              />
            </Field>
          </div>
        </details>
      </form>
      {failure !== undefined && (
        <p role="alert" className="mt-4 text-destructive">
          {failure}
        </p>
      )}
      {draft.kept === 'vault' && vaultState === 'locked' && (
        <div className="mt-4 rounded-md border p-3">
          <UnlockForm />
        </div>
      )}
    </Dialog>
  )
}

function useProblems(draft: Draft, vault: 'none' | 'locked' | 'open') {
  const { t } = useTranslation()
  const address = (text: string) => {
    const problem = addressProblem(text.trim())
    return problem && t(`storage.connections.problems.${problem}`)
  }
  const parsed = parseHeaders(draft.headers)
  const name = draft.name.trim() === '' ? t('storage.connections.problems.name') : undefined
  const baseUrl = address(draft.baseUrl)
  const proxyUrl = draft.proxyUrl.trim() === '' ? undefined : address(draft.proxyUrl)
  const headers =
    'problem' in parsed ? t(`storage.connections.problems.${parsed.problem}`, { name: parsed.name }) : undefined
  const isVaultClosed =
    draft.kept === 'vault' &&
    (vault === 'locked' || (vault === 'none' && passphraseProblem(draft.passphrase, draft.again) !== undefined))
  return { name, baseUrl, proxyUrl, headers, any: [name, baseUrl, proxyUrl, headers].some(Boolean) || isVaultClosed }
}

async function keep(given: string | undefined, draft: Draft, known: Secret | undefined): Promise<void> {
  const id = given ?? crypto.randomUUID()
  const parsed = parseHeaders(draft.headers)
  const headers = 'headers' in parsed ? parsed.headers : {}
  const key = draft.key.trim() || (known?.key ?? '')
  const isNeeded = key !== '' || Object.keys(headers).length > 0
  const isKept = draft.kept === 'vault' && isNeeded
  if (isKept && useVault.getState().state === 'none') await createVault(draft.passphrase)
  // Never the old key at the new address, nor the new one at the old.
  dropSecret(id)
  keepEntry({
    id,
    name: draft.name.trim(),
    baseUrl: draft.baseUrl.trim().replace(/\/+$/, ''),
    proxyUrl: draft.proxyUrl.trim().replace(/\/+$/, ''),
    kept: isKept ? 'vault' : isNeeded ? 'memory' : 'none',
  })
  holdSecret(id, isNeeded && !isKept ? { key, headers } : undefined)
  if (useVault.getState().state === 'open') await keepSecret(id, isKept ? { key, headers } : undefined)
  if (given === undefined) activate(id)
}

function originOf(address: string): string | undefined {
  return URL.parse(address.trim())?.origin
}
