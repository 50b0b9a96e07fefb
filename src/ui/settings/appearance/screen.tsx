import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Appearance, keepAppearance, readAppearance } from '../../parts/appearance.ts'
import { cn } from '../../parts/class.ts'
import { Switch } from '../../parts/field.tsx'
import { percent } from '../../parts/format.ts'
import { Card, Page, Section } from '../../parts/page.tsx'
import { LanguageField } from '../shared/language.tsx'
import { Preview } from './preview.tsx'

const themes = ['system', 'light', 'dark', 'contrast'] as const
const textSizes = [90, 100, 115, 130] as const

export function Screen() {
  const { t } = useTranslation()
  const [look, setLook] = useState(readAppearance)
  const put = (change: Partial<Appearance>) => {
    const next = { ...look, ...change }
    keepAppearance(next)
    setLook(next)
  }
  return (
    <Page title={t('settings.appearance.title')} about={t('settings.appearance.about')} isNarrow>
      <Section title={t('settings.appearance.theme')}>
        <Choice
          label={t('settings.appearance.theme')}
          className="grid grid-cols-2 gap-3 sm:grid-cols-4"
          options={themes}
          value={look.theme}
          onChange={theme => put({ theme })}
        >
          {theme => (
            <>
              <Preview theme={theme} />
              <span className="px-3 py-2 font-medium">{t(`settings.appearance.themes.${theme}`)}</span>
            </>
          )}
        </Choice>
      </Section>
      <Section title={t('settings.appearance.size')}>
        <Choice
          label={t('settings.appearance.size')}
          className="grid grid-cols-2 gap-3 sm:grid-cols-4"
          options={textSizes}
          value={look.textSize}
          onChange={textSize => put({ textSize })}
        >
          {textSize => (
            <span className="px-3 py-2">
              <span className="block font-medium">{percent(textSize / 100)}</span>
              <span className="block truncate text-muted-foreground" style={{ fontSize: `${textSize / 100}rem` }}>
                {t('settings.appearance.sample')}
              </span>
            </span>
          )}
        </Choice>
      </Section>
      <Card className="grid gap-5">
        <Switch
          label={t('settings.appearance.motion')}
          hint={t('settings.appearance.motionAbout')}
          checked={look.reducedMotion}
          onChange={reducedMotion => put({ reducedMotion })}
        />
        <LanguageField />
      </Card>
    </Page>
  )
}

interface ChoiceProps<T extends string | number> {
  label: string
  className: string
  options: readonly T[]
  value: T
  onChange: (value: T) => void
  children: (option: T) => React.ReactNode
}

/** One of a few things that are shown as they are. */
function Choice<T extends string | number>({ label, className, options, value, onChange, children }: ChoiceProps<T>) {
  const name = useId()
  return (
    <fieldset className={className}>
      <legend className="sr-only">{label}</legend>
      {options.map(option => (
        <label
          key={option}
          className={cn(
            'relative flex cursor-pointer flex-col overflow-hidden rounded-lg border bg-card has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-ring',
            option === value && 'border-primary ring-1 ring-primary',
          )}
        >
          <input
            type="radio"
            name={name}
            className="sr-only"
            checked={option === value}
            onChange={() => onChange(option)}
          />
          {children(option)}
        </label>
      ))}
    </fieldset>
  )
}
