import { Cpu, Network, Server } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { isNode, useMay } from '../../client/session.ts'
import { Card, Page, Section } from '../../parts/page.tsx'
import { Archive } from './archive.tsx'
import { PurgeCache } from './cache.tsx'

const kinds = [
  { name: 'local', icon: Cpu },
  { name: 'peer', icon: Network },
  { name: 'upstream', icon: Server },
] as const

export function Screen() {
  const { t } = useTranslation()
  const mayPurge = useMay('operator')
  const others = [
    ...(isNode ? (['chain', 'admins', 'browser'] as const) : (['browser'] as const)),
    'telemetry' as const,
  ]
  return (
    <Page title={t('settings.privacy.title')} about={t('settings.privacy.about')} isNarrow>
      <Section title={t('settings.privacy.seen')}>
        <div className="grid gap-3">
          {kinds
            .filter(({ name }) => isNode || name === 'upstream')
            .map(({ name, icon: Icon }) => (
              <Card key={name} className="flex gap-3">
                <Icon aria-hidden className="mt-0.5 size-5 shrink-0 text-muted-foreground" />
                <div className="grid gap-0.5">
                  <h3 className="font-medium">{t(`settings.privacy.kinds.${name}`)}</h3>
                  <p className="text-muted-foreground">{t(`settings.privacy.what.${name}`)}</p>
                </div>
              </Card>
            ))}
        </div>
      </Section>
      <Card>
        <dl className="grid gap-4">
          {others.map(name => (
            <div key={name} className="grid gap-0.5">
              <dt className="font-medium">{t(`settings.privacy.${name}`)}</dt>
              <dd className="text-muted-foreground">{t(`settings.privacy.${name}What`)}</dd>
            </div>
          ))}
        </dl>
      </Card>
      {isNode && <Archive />}
      {isNode && mayPurge && <PurgeCache />}
    </Page>
  )
}
