import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi, useChange } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { Code } from '../../parts/copy.tsx'
import { Field, Select } from '../../parts/field.tsx'
import { Card } from '../../parts/page.tsx'
import { Banner, Failed } from '../../parts/states.tsx'
import { connectApps, keyPlaceholder } from './settings.ts'

const exampleModel = 'your-model'

/** Where apps find this node, with a key of their own and the settings they take. */
export function ConnectCard() {
  const { t } = useTranslation()
  const [name, setName] = useState(connectApps[0]!.name)
  const [wanted, setWanted] = useState<string>()
  const [secrets, setSecrets] = useState<Readonly<Record<string, string>>>({})
  const { data: models } = useApi('GET /models')
  const make = useChange('POST /keys')
  const app = connectApps.find(each => each.name === name) ?? connectApps[0]!
  const names = models?.data.map(({ id }) => id) ?? []
  const model = wanted ?? names[0] ?? exampleModel
  const secret = secrets[app.name]
  const baseUrl = `${location.origin}/v1`
  const makeKey = () =>
    make.mutate(
      { body: { name: app.title } },
      { onSuccess: ({ secret: made }) => setSecrets(known => ({ ...known, [app.name]: made })) },
    )
  return (
    <Card className="grid gap-4">
      <div className="grid gap-0.5" id="connect">
        <h2 className="text-base font-semibold">{t('node.overview.connect.title')}</h2>
        <p className="text-muted-foreground">{t('node.overview.connect.about')}</p>
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label={t('node.overview.connect.app')}>
          <Select value={app.name} onChange={({ target }) => setName(target.value)}>
            {connectApps.map(each => (
              <option key={each.name} value={each.name}>
                {each.title}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={t('node.overview.connect.model')} hint={names.length === 0 && t('node.overview.connect.noModel')}>
          <Select value={model} disabled={names.length === 0} onChange={({ target }) => setWanted(target.value)}>
            {(names.length === 0 ? [exampleModel] : names).map(each => (
              <option key={each}>{each}</option>
            ))}
          </Select>
        </Field>
      </div>
      <div className="grid gap-1.5">
        <p className="font-medium">{t('node.overview.connect.baseUrl')}</p>
        <Code text={baseUrl} />
      </div>
      <div className="grid gap-1.5">
        <p className="font-medium">{t('node.overview.connect.key')}</p>
        {secret === undefined ? (
          <div className="flex flex-wrap items-center gap-3">
            <Button look="primary" isBusy={make.isPending} onClick={makeKey}>
              <KeyRound aria-hidden />
              {t('node.overview.connect.makeKey')}
            </Button>
            <span className="text-[0.8125rem] text-muted-foreground">{t('node.overview.connect.keyMissing')}</span>
          </div>
        ) : (
          <>
            <Code text={secret} isSecret />
            <Banner tone="warning">{t('node.overview.connect.keyShown')}</Banner>
          </>
        )}
        {make.error !== null && <Failed error={make.error} onRetry={makeKey} />}
      </div>
      {app.snippets({ baseUrl, apiKey: secret ?? keyPlaceholder, model }).map(({ title, text }) => (
        <div key={title} className="grid gap-1.5">
          <p className="text-[0.8125rem] text-muted-foreground">{t(`node.overview.connect.titles.${title}`)}</p>
          <Code text={text} />
        </div>
      ))}
      <div className="grid gap-1.5 text-[0.8125rem] text-muted-foreground">
        <p>{t('node.overview.connect.more')}</p>
        <Code text="parley connect" />
      </div>
    </Card>
  )
}
