import { ArrowRightLeft, ChevronRight, Wrench } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Message, ToolCall } from '../../storage/documents.ts'
import type { Run } from '../grown.ts'
import { Plain } from '../markdown/plain.tsx'
import { AnswerText } from '../markdown/text.tsx'

/** What a model has said, and what came before its words. */
export function AnswerBody({ message }: { message: Message }) {
  const { reasoning = '', toolCalls = [], text, facts } = message
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <Notices notices={facts?.notices ?? []} />
      {reasoning !== '' && <Reasoning text={reasoning} isOpen={false} />}
      {text !== '' && <AnswerText text={text} />}
      <Tools calls={toolCalls} />
    </div>
  )
}

/** An answer while it comes. */
export function RunningBody({ run }: { run: Run }) {
  const { t } = useTranslation()
  const { reasoning, toolCalls, text, notices } = run
  const isWaiting = text === '' && reasoning === '' && toolCalls.length === 0
  return (
    <div aria-busy className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <Notices notices={notices} />
      {reasoning !== '' && <Reasoning text={reasoning} isOpen={text === ''} />}
      {isWaiting ? (
        <p className="flex items-center gap-2 text-muted-foreground">
          <span aria-hidden className="flex gap-1">
            {[0, 150, 300].map(delay => (
              <span
                key={delay}
                className="size-1.5 animate-pulse rounded-full bg-muted-foreground"
                style={{ animationDelay: `${delay}ms` }}
              />
            ))}
          </span>
          {run.provider === undefined
            ? t('chat.message.asking')
            : t('chat.message.askingOf', { provider: run.provider })}
        </p>
      ) : (
        <AnswerText text={text} isStreaming />
      )}
      <Tools calls={toolCalls} />
    </div>
  )
}

function Notices({ notices }: { notices: readonly { readonly text: string }[] }) {
  if (notices.length === 0) return null
  return (
    <ul className="grid gap-1 text-[0.8125rem] text-muted-foreground">
      {notices.map(({ text }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they only get more
        <li key={at} className="flex items-center gap-1.5">
          <ArrowRightLeft aria-hidden className="size-3.5 shrink-0" />
          {text}
        </li>
      ))}
    </ul>
  )
}

const summary =
  'flex w-fit items-center gap-1.5 rounded-md py-1 pr-2 text-[0.8125rem] text-muted-foreground hover:text-foreground max-md:min-h-11'

/** What it thought before it spoke. */
function Reasoning({ text, isOpen }: { text: string; isOpen: boolean }) {
  const { t } = useTranslation()
  return (
    <details open={isOpen} className="group">
      <summary className={summary}>
        <ChevronRight aria-hidden className="size-3.5 transition-transform group-open:rotate-90" />
        {isOpen ? t('chat.message.thinking') : t('chat.message.thoughts')}
      </summary>
      <div className="mt-1 max-h-80 overflow-y-auto border-l-2 pl-3 text-[0.9em] text-muted-foreground">
        <Plain text={text} />
      </div>
    </details>
  )
}

function Tools({ calls }: { calls: readonly ToolCall[] }) {
  const { t } = useTranslation()
  if (calls.length === 0) return null
  return (
    <ul aria-label={t('chat.message.tools')} className="grid gap-2">
      {calls.map(({ id, name, arguments: given }) => (
        <li key={id}>
          <details className="rounded-lg border bg-card px-3 py-1">
            <summary className={summary}>
              <Wrench aria-hidden className="size-3.5" />
              {t('chat.message.tool')} <code className="font-mono text-foreground">{name}</code>
            </summary>
            <pre className="mb-2 overflow-x-auto font-mono text-[0.8125rem] whitespace-pre-wrap">{readable(given)}</pre>
          </details>
        </li>
      ))}
    </ul>
  )
}

function readable(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2)
  } catch {
    return json
  }
}
