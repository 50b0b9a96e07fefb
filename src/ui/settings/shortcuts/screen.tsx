import { RotateCcw } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { rebind, type ShortcutName, shortcuts, useBindings } from '../../client/shortcuts.ts'
import { Button } from '../../parts/button.tsx'
import { Card, Page, Section } from '../../parts/page.tsx'
import { Line } from './line.tsx'

const names = Object.keys(shortcuts) as ShortcutName[]

export function Screen() {
  const { t } = useTranslation()
  const changed = useBindings(bindings => bindings.changed)
  const resetAll = () => {
    for (const name of names) rebind(name, null)
  }
  return (
    <Page
      title={t('settings.shortcuts.title')}
      about={t('settings.shortcuts.about')}
      isNarrow
      actions={
        <Button disabled={Object.keys(changed).length === 0} onClick={resetAll}>
          <RotateCcw aria-hidden />
          {t('settings.shortcuts.resetAll')}
        </Button>
      }
    >
      {(['app', 'chat'] as const).map(area => (
        <Section key={area} title={t(`settings.shortcuts.areas.${area}`)}>
          <Card className="p-0">
            <ul className="divide-y">
              {names
                .filter(name => shortcuts[name].area === area)
                .map(name => (
                  <Line key={name} name={name} />
                ))}
            </ul>
          </Card>
        </Section>
      ))}
    </Page>
  )
}
