import { useTranslation } from 'react-i18next'
import { Field, Input, Select, TextArea, Tick } from '../../../parts/field.tsx'
import type { FieldsProps } from './fields.tsx'
import { type KeyForm, redactKinds } from './wish.ts'

/** What happens to words: those put before, those kept, those taken out. */
export function TextFields({ form, onChange }: FieldsProps) {
  const { t } = useTranslation()
  const put = (change: Partial<KeyForm>) => onChange({ ...form, ...change })
  return (
    <details className="rounded-md border p-3">
      <summary className="font-medium">{t('settings.keys.advanced')}</summary>
      <div className="mt-3 grid gap-4">
        <Field label={t('settings.keys.system')} hint={t('settings.keys.systemHint')}>
          <TextArea value={form.system} onChange={event => put({ system: event.target.value })} />
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t('settings.keys.archive')}>
            <Select value={form.archive} onChange={event => put({ archive: event.target.value as KeyForm['archive'] })}>
              {(['default', 'on', 'off'] as const).map(state => (
                <option key={state} value={state}>
                  {t(`settings.keys.archiveStates.${state}`)}
                </option>
              ))}
            </Select>
          </Field>
          <Field label={t('settings.keys.cache')}>
            <Select value={form.cache} onChange={event => put({ cache: event.target.value as KeyForm['cache'] })}>
              {(['default', 'own', 'shared', 'off'] as const).map(state => (
                <option key={state} value={state}>
                  {t(`settings.keys.cacheStates.${state}`)}
                </option>
              ))}
            </Select>
          </Field>
        </div>
        <fieldset className="grid gap-2">
          <legend className="mb-1.5 font-medium">{t('settings.keys.redact')}</legend>
          <div className="grid gap-2 sm:grid-cols-2">
            {redactKinds.map(kind => (
              <Tick
                key={kind}
                label={t(`settings.keys.redactKinds.${kind}`)}
                checked={form.redact.includes(kind)}
                onChange={isOn =>
                  put({ redact: isOn ? [...form.redact, kind] : form.redact.filter(other => other !== kind) })
                }
              />
            ))}
          </div>
        </fieldset>
        <Field label={t('settings.keys.redactWords')}>
          <Input value={form.redactWords} onChange={event => put({ redactWords: event.target.value })} />
        </Field>
      </div>
    </details>
  )
}
