import { useTranslation } from 'react-i18next'
import { type Answer, useApi } from '../../../client/api.ts'
import { Button } from '../../../parts/button.tsx'
import { Code } from '../../../parts/copy.tsx'
import { Dialog } from '../../../parts/dialog.tsx'
import { Tabs } from '../../../parts/tabs.tsx'

interface SecretProps {
  made: Answer<'POST /keys'>
  onClose: () => void
}

/** Shown this once, with what makes use of it. */
export function Secret({ made: { secret, key }, onClose }: SecretProps) {
  const { t } = useTranslation()
  const { data } = useApi('GET /models')
  const model = key.models?.[0] ?? data?.data[0]?.id ?? 'MODEL'
  const tabs = Object.entries(snippets(`${location.origin}/v1`, secret, model)).map(([id, text]) => ({
    id,
    label: id,
    content: <Code text={text} isSecret />,
  }))
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('settings.keys.secret')}
      description={t('settings.keys.secretAbout')}
      footer={
        <Button look="primary" onClick={onClose}>
          {t('settings.keys.secretDone')}
        </Button>
      }
    >
      <div className="grid gap-4">
        <Code text={secret} isSecret />
        <div>
          <h3 className="mb-1 font-medium">{t('settings.keys.connect')}</h3>
          <Tabs label={t('settings.keys.connect')} tabs={tabs} />
        </div>
      </div>
    </Dialog>
  )
}

function snippets(baseUrl: string, secret: string, model: string): Record<string, string> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
  return {
    Shell: `export OPENAI_BASE_URL=${baseUrl}\nexport OPENAI_API_KEY=${secret}`,
    curl: `curl ${baseUrl}/chat/completions \\\n  -H 'authorization: Bearer ${secret}' \\\n  -H 'content-type: application/json' \\\n  -d '${body}'`,
    JavaScript: `import OpenAI from 'openai'\nconst client = new OpenAI({\n  baseURL: '${baseUrl}',\n  apiKey: '${secret}',\n})`,
    Python: `from openai import OpenAI\nclient = OpenAI(\n    base_url="${baseUrl}",\n    api_key="${secret}",\n)`,
  }
}
