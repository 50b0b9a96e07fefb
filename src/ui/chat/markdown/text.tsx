import { lazy, memo, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'
import { Boundary } from './boundary.tsx'
import { drawnMax, isTooDeep, streamedMax } from './bounds.ts'
import { Plain } from './plain.tsx'

export const loadMarkdown = () => import('./markdown.tsx')
const Markdown = lazy(() => loadMarkdown().then(({ Markdown: component }) => ({ default: component })))

/** What a model has said: as Markdown where that is safe and quick, else as the text it is. */
export const AnswerText = memo(({ text, isStreaming = false }: { text: string; isStreaming?: boolean }) => {
  const { t } = useTranslation()
  const [isWanted, setIsWanted] = useState(false)
  const plain = <Plain text={text} />
  const isLong = isStreaming ? text.length > streamedMax : text.length > drawnMax && !isWanted
  if (isLong || isTooDeep(text)) {
    return (
      <>
        {plain}
        {isLong && !isStreaming && (
          <Button size="sm" className="mt-2" onClick={() => setIsWanted(true)}>
            {t('chat.markdown.drawAnyway')}
          </Button>
        )}
      </>
    )
  }
  return (
    <Boundary otherwise={plain}>
      <Suspense fallback={plain}>
        <Markdown text={text} isStreaming={isStreaming} />
      </Suspense>
    </Boundary>
  )
})
AnswerText.displayName = 'AnswerText'
