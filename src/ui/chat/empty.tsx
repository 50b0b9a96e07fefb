import { useTranslation } from 'react-i18next'

interface GreetingProps {
  isTemporary: boolean
}

/** Before the first word. */
export function Greeting({ isTemporary }: GreetingProps) {
  const { t } = useTranslation()
  return (
    <div className="grid gap-1 text-center">
      <h1 className="text-2xl font-semibold tracking-tight text-balance">
        {isTemporary ? t('chat.temporary.greeting') : t('chat.empty.greeting')}
      </h1>
      <p className="text-balance text-muted-foreground">
        {isTemporary ? t('chat.temporary.about') : t('chat.empty.about')}
      </p>
    </div>
  )
}

const nano = ['capital', 'sum', 'story'] as const
const usual = ['explain', 'write', 'plan', 'code'] as const

/** First prompts that the model can answer: the one that comes with the node knows little. */
export function Suggestions({ model, onChoose }: { model: string | null; onChoose: (text: string) => void }) {
  const { t } = useTranslation()
  const texts =
    model?.startsWith('parley-nano') === true
      ? nano.map(name => t(`chat.suggestion.${name}`))
      : usual.map(name => t(`chat.suggestion.${name}`))
  return (
    <ul aria-label={t('chat.empty.suggestions')} className="flex flex-wrap justify-center gap-2">
      {texts.map(text => (
        <li key={text}>
          <button
            type="button"
            onClick={() => onChoose(text)}
            className="min-h-9 rounded-full border bg-card px-3.5 py-1.5 text-left text-[0.8125rem] hover:bg-muted max-md:min-h-11"
          >
            {text}
          </button>
        </li>
      ))}
    </ul>
  )
}
