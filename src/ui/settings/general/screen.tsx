import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { prefer, usePreferences } from '../../client/preferences.ts'
import { isNode } from '../../client/session.ts'
import { Field, Select } from '../../parts/field.tsx'
import { Card, Page, Section } from '../../parts/page.tsx'
import { LanguageField } from '../shared/language.tsx'
import { Node } from './node.tsx'

export function Screen() {
  const { t } = useTranslation()
  return (
    <Page title={t('settings.general.title')} about={t('settings.general.about')} isNarrow>
      <Section title={t('settings.general.language')} about={t('settings.general.languageAbout')}>
        <Card>
          <LanguageField />
        </Card>
      </Section>
      <Section title={t('settings.general.chat')}>
        <Card className="grid gap-4 sm:grid-cols-2">
          {isNode && <StartModel />}
          <SendKey />
        </Card>
      </Section>
      {isNode && <Node />}
    </Page>
  )
}

function StartModel() {
  const { t } = useTranslation()
  const startModel = usePreferences(preferences => preferences.startModel)
  const { data } = useApi('GET /models')
  const known = data?.data.map(({ id }) => id) ?? []
  // One that is not there now is still what was chosen.
  const choices = startModel === null || known.includes(startModel) ? known : [startModel, ...known]
  return (
    <Field label={t('settings.general.startModel')}>
      <Select value={startModel ?? ''} onChange={event => prefer({ startModel: event.target.value || null })}>
        <option value="">{t('settings.general.startLast')}</option>
        {choices.map(id => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </Select>
    </Field>
  )
}

function SendKey() {
  const { t } = useTranslation()
  const sendKey = usePreferences(preferences => preferences.sendKey)
  const mod = /mac/i.test(navigator.platform) ? '⌘' : 'Ctrl'
  return (
    <Field label={t('settings.general.sendKey')}>
      <Select value={sendKey} onChange={event => prefer({ sendKey: event.target.value as typeof sendKey })}>
        <option value="enter">{t('settings.general.sendEnter')}</option>
        <option value="mod_enter">{t('settings.general.sendMod', { mod })}</option>
      </Select>
    </Field>
  )
}
