import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Input, TextArea } from '../parts/field.tsx'
import type { Chat, Parameters } from '../storage/documents.ts'

export type ChatSettings = Pick<Chat, 'systemPrompt' | 'parameters'>

interface SettingsProps extends ChatSettings {
  isOpen: boolean
  onClose: () => void
  onSave: (settings: ChatSettings) => void
}

const bounds = {
  temperature: { min: 0, max: 2, step: 0.1 },
  topP: { min: 0, max: 1, step: 0.05 },
  maxTokens: { min: 1, max: 1_000_000, step: 1 },
} as const
const names = ['temperature', 'topP', 'maxTokens'] as const
type Typed = Record<(typeof names)[number], string>

/** How the model of this chat shall behave. What is empty is up to the model. */
export function Settings({ isOpen, onClose, systemPrompt, parameters, onSave }: SettingsProps) {
  const { t } = useTranslation()
  const [prompt, setPrompt] = useState(systemPrompt)
  const [typed, setTyped] = useState<Typed>(() => typedOf(parameters))
  useEffect(() => {
    if (!isOpen) return
    setPrompt(systemPrompt)
    setTyped(typedOf(parameters))
  }, [isOpen, systemPrompt, parameters])
  const wrong = names.filter(name => !isFine(name, typed[name]))
  const save = () => {
    const given = names.filter(name => typed[name].trim() !== '').map(name => [name, Number(typed[name])])
    onSave({ systemPrompt: prompt.trim(), parameters: Object.fromEntries(given) as Parameters })
    onClose()
  }
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('chat.settings.name')}
      description={t('chat.settings.about')}
      shape="sheet"
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" disabled={wrong.length > 0} onClick={save}>
            {t('common.save')}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <Field label={t('chat.settings.systemPrompt')} hint={t('chat.settings.systemPromptAbout')}>
          <TextArea rows={8} dir="auto" value={prompt} onChange={event => setPrompt(event.target.value)} />
        </Field>
        {names.map(name => (
          <Field
            key={name}
            label={t(`chat.settings.${name}`)}
            hint={t(`chat.settings.${name}About`)}
            error={wrong.includes(name) && t('chat.settings.wrong', bounds[name])}
          >
            <Input
              inputMode="decimal"
              placeholder={t('chat.settings.usual')}
              value={typed[name]}
              onChange={event => setTyped({ ...typed, [name]: event.target.value.replace(',', '.') })}
            />
          </Field>
        ))}
      </div>
    </Dialog>
  )
}

function typedOf(parameters: Parameters): Typed {
  const text = (value: number | undefined) => (value === undefined ? '' : String(value))
  return {
    temperature: text(parameters.temperature),
    topP: text(parameters.topP),
    maxTokens: text(parameters.maxTokens),
  }
}

function isFine(name: (typeof names)[number], text: string): boolean {
  if (text.trim() === '') return true
  const value = Number(text)
  const { min, max } = bounds[name]
  return Number.isFinite(value) && value >= min && value <= max && (name !== 'maxTokens' || Number.isInteger(value))
}
