import { useTranslation } from 'react-i18next'
import { Field, Select } from '../../parts/field.tsx'
import { keepLanguage, type Language, languages } from '../../words/index.ts'

export function LanguageField() {
  const { t, i18n } = useTranslation()
  return (
    <Field label={t('settings.general.language')} className="max-w-xs">
      <Select value={i18n.resolvedLanguage ?? 'en'} onChange={event => keepLanguage(event.target.value as Language)}>
        {Object.entries(languages).map(([code, name]) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </Select>
    </Field>
  )
}
