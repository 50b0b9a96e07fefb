import { useTranslation } from 'react-i18next'
import type { RequestDetail } from '../../client/api.ts'
import { useSession } from '../../client/session.ts'
import { Code, Copy } from '../../parts/copy.tsx'
import { Section } from '../../parts/page.tsx'
import { Banner } from '../../parts/states.tsx'

const switchOn = '[archive]\nenabled = true'

/** What was said, where it was kept. It is shown as text and never run or loaded. */
export function Texts({ request: { input, output } }: { request: RequestDetail }) {
  const { t } = useTranslation()
  const isViewer = useSession(({ me }) => me?.role === 'viewer')
  if (input === null && output === null) {
    return (
      <Banner title={isViewer ? t('node.requests.notYours') : t('node.requests.notArchived')}>
        {!isViewer && (
          <div className="grid gap-2">
            <p className="max-w-prose">{t('node.requests.notArchivedAbout')}</p>
            <Code text={switchOn} />
          </div>
        )}
      </Banner>
    )
  }
  return (
    <>
      {input !== null && <Said title={t('node.requests.input')} text={input} />}
      {output !== null && <Said title={t('node.requests.output')} text={output} />}
    </>
  )
}

function Said({ title, text }: { title: string; text: string }) {
  return (
    <Section title={title}>
      <Scrolled text={readable(text)} copied={text} />
    </Section>
  )
}

/** A long text in a box of its own. */
export function Scrolled({ text, copied }: { text: string; copied: string }) {
  return (
    <div className="relative">
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
        tabIndex={0}
        className="max-h-[28rem] overflow-auto rounded-lg border bg-card p-4 pr-12 font-mono text-[0.8125rem] break-words whitespace-pre-wrap"
      >
        {text}
      </pre>
      <span className="absolute top-1.5 right-1.5">
        <Copy text={copied} />
      </span>
    </div>
  )
}

/** JSON with its lines; anything else as it is. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
