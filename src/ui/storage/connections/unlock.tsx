import { LockKeyhole, LockKeyholeOpen } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'
import { Field, Input } from '../../parts/field.tsx'
import { unlock } from '../vault.ts'

export const passphraseLeast = 8

/** Asks for the passphrase of the keys that are kept. */
export function UnlockForm({ onDone }: { onDone?: () => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [state, setState] = useState<'asking' | 'working' | 'wrong'>('asking')
  const open = async () => {
    setState('working')
    const isRight = await unlock(text)
    setState(isRight ? 'asking' : 'wrong')
    if (!isRight) return
    setText('')
    onDone?.()
  }
  return (
    <form
      className="grid gap-3"
      onSubmit={event => {
        event.preventDefault()
        void open()
      }}
    >
      <Field label={t('storage.vault.passphrase')} error={state === 'wrong' && t('storage.vault.wrong')}>
        <Input type="password" value={text} autoComplete="current-password" onChange={e => setText(e.target.value)} />
      </Field>
      <Button type="submit" look="primary" isBusy={state === 'working'} disabled={text === ''}>
        {state !== 'working' && <LockKeyholeOpen aria-hidden />}
        {t(state === 'working' ? 'storage.vault.unlocking' : 'storage.vault.unlock')}
      </Button>
    </form>
  )
}

interface NewPassphraseProps {
  value: string
  onChange: (value: string) => void
  again: string
  onAgain: (value: string) => void
  isChecked: boolean
}

/** A passphrase that is entered twice. */
export function NewPassphrase({ value, onChange, again, onAgain, isChecked }: NewPassphraseProps) {
  const { t } = useTranslation()
  const problem = passphraseProblem(value, again)
  return (
    <div className="grid gap-3 rounded-md border p-3 sm:grid-cols-2">
      <Field
        label={
          <span className="flex items-center gap-1.5">
            <LockKeyhole aria-hidden className="size-3.5" />
            {t('storage.vault.newPassphrase')}
          </span>
        }
        hint={t('storage.vault.newHint')}
        error={isChecked && problem === 'short' && t('storage.vault.short')}
      >
        <Input type="password" autoComplete="new-password" value={value} onChange={e => onChange(e.target.value)} />
      </Field>
      <Field label={t('storage.vault.again')} error={isChecked && problem === 'differs' && t('storage.vault.differs')}>
        <Input type="password" autoComplete="new-password" value={again} onChange={e => onAgain(e.target.value)} />
      </Field>
    </div>
  )
}

export function passphraseProblem(value: string, again: string): 'short' | 'differs' | undefined {
  if (value.length < passphraseLeast) return 'short'
  return value === again ? undefined : 'differs'
}
