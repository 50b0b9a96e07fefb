import { useTranslation } from 'react-i18next'
import type { TestResult } from '../../client/api.ts'
import { duration, number } from '../../parts/format.ts'
import { Banner } from '../../parts/states.tsx'
import { Reason } from '../shared/reason.tsx'

/** A long form may have hidden it. */
const show = (element: HTMLElement | null) => element?.scrollIntoView({ block: 'nearest' })

/** How a try went: what came and how fast, or why nothing did and what helps. */
export function Outcome({ result }: { result: TestResult }) {
  const { t } = useTranslation()
  if (!result.ok) {
    const { code, message } = result.error ?? { code: 'internal', message: '' }
    return (
      <div ref={show}>
        <Banner tone="bad" title={t('node.providers.testBad')}>
          <Reason code={code} message={message || undefined} />
        </Banner>
      </div>
    )
  }
  const { latencyMs, firstChunkMs, model, text, usage } = result
  return (
    <div ref={show} role="status" className="grid gap-2 rounded-lg border border-success/40 bg-success/8 px-4 py-3">
      <p className="font-medium text-success">{t('node.providers.testGood')}</p>
      <blockquote className="max-h-40 overflow-y-auto border-l-2 border-success/40 pl-3 break-words whitespace-pre-wrap">
        {text || t('node.providers.testEmpty')}
      </blockquote>
      <p className="tabular text-[0.8125rem] text-muted-foreground">
        {t('node.providers.testTook', {
          total: duration(Math.round(latencyMs)),
          first: duration(Math.round(firstChunkMs ?? latencyMs)),
        })}
        {model !== null && ` · ${t('node.providers.testModelSaid', { model })}`}
        {usage !== null &&
          ` · ${t('node.providers.testTokens', { input: number(usage.prompt_tokens), output: number(usage.completion_tokens) })}`}
      </p>
    </div>
  )
}
