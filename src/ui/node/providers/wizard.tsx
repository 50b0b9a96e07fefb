import { Server } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field, Input } from '../../parts/field.tsx'
import { type Draft, emptyDraft } from './draft.ts'
import { ProviderForm } from './form.tsx'
import { type ServiceKind, serviceKinds } from './kinds.ts'
import { useNewProvider } from './new-provider.ts'
import { Outcome } from './outcome.tsx'

interface Props {
  taken: readonly string[]
  onClose: () => void
}

/** A service from its kind to its first answer. */
export function AddWizard({ taken, onClose }: Props) {
  const [kind, setKind] = useState<ServiceKind>()
  if (kind === undefined) return <ChooseKind onChoose={setKind} onClose={onClose} />
  return <Configure kind={kind} taken={taken} onClose={onClose} />
}

function ChooseKind({ onChoose, onClose }: { onChoose: (kind: ServiceKind) => void; onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <Dialog
      isOpen
      onClose={onClose}
      shape="wide"
      title={t('node.providers.choose')}
      description={t('node.providers.chooseAbout')}
    >
      <ul className="grid grid-cols-2 gap-2 sm:grid-cols-3 md:grid-cols-4">
        {serviceKinds.map(kind => (
          <li key={kind.id}>
            <button
              type="button"
              onClick={() => onChoose(kind)}
              className="flex h-full min-h-16 w-full flex-col items-start gap-1 rounded-lg border bg-card p-3 text-left hover:bg-muted"
            >
              <span className="flex items-center gap-2 font-medium">
                <Server aria-hidden className="size-4 text-muted-foreground" />
                {kind.title}
              </span>
              {kind.url && (
                <span className="w-full truncate text-xs text-muted-foreground">{new URL(kind.url).host}</span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

function Configure({ kind, taken, onClose }: Props & { kind: ServiceKind }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState<Draft>(() => emptyDraft(kind, taken))
  const [model, setModel] = useState('')
  const attempt = useNewProvider(kind)
  const change = (part: Partial<Draft>) => {
    setDraft(before => ({ ...before, ...part }))
    attempt.forget()
  }
  const finish = async () => {
    if (!(await attempt.keep(draft))) return
    toast.success(t('node.providers.saved', { name: draft.name }))
    onClose()
  }
  const leave = () => {
    void attempt.undo()
    onClose()
  }
  const { result } = attempt
  const saves =
    result === undefined
      ? t('node.providers.saveUntested')
      : result.ok
        ? t('node.providers.keep')
        : t('node.providers.saveAnyway')
  return (
    <Dialog
      isOpen
      onClose={leave}
      title={t('node.providers.configure', { name: kind.title })}
      footer={
        <>
          <Button onClick={leave}>{t('common.cancel')}</Button>
          <Button
            look={result?.ok ? 'primary' : 'secondary'}
            disabled={attempt.busy === 'test' || draft.name === ''}
            isBusy={attempt.busy === 'save'}
            onClick={() => void finish()}
          >
            {saves}
          </Button>
          {!result?.ok && (
            <Button
              look="primary"
              disabled={attempt.busy === 'save' || draft.name === ''}
              isBusy={attempt.busy === 'test'}
              onClick={() => void attempt.test(draft, model.trim())}
            >
              {t('node.providers.runTest')}
            </Button>
          )}
        </>
      }
    >
      <div className="grid gap-4">
        <ProviderForm kind={kind} draft={draft} onChange={change} error={attempt.error} />
        <Field label={t('node.providers.testModel')} hint={t('node.providers.testModelHint')}>
          <Input value={model} onChange={({ target }) => setModel(target.value)} />
        </Field>
        <p className="text-[0.8125rem] text-muted-foreground">{t('node.providers.testAbout')}</p>
        {result && <Outcome result={result} />}
      </div>
    </Dialog>
  )
}
