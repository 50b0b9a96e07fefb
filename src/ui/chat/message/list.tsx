import { ArrowDown } from 'lucide-react'
import { useMemo, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Button, IconButton } from '../../parts/button.tsx'
import type { Message } from '../../storage/documents.ts'
import { useJump } from '../history-jump.ts'
import type { Model } from '../rank.ts'
import { useRuns } from '../runs.ts'
import { siblingsOf } from '../tree.ts'
import { RunningBody } from './answer.tsx'
import { type ItemActions, MessageItem } from './item.tsx'
import { usePortion, useStickyEnd } from './scroll.ts'

interface ListProps {
  chatId: string
  title: string
  path: readonly Message[]
  messages: readonly Message[]
  isRunning: boolean
  /** The answer that is being written comes below this path. */
  isRunShown: boolean
  models: readonly Model[]
  editedId: string | undefined
  actions: ItemActions
  /** Below the messages: where one writes. */
  children: React.ReactNode
}

/** A conversation, its end in view. */
export function MessageList(props: ListProps) {
  const { chatId, title, path, messages, isRunning, isRunShown, models, editedId, actions, children } = props
  const { t } = useTranslation()
  const { scroller, content, isAtEnd, toEnd } = useStickyEnd(chatId)
  const { from, mark, more } = usePortion(chatId, path.length, scroller)
  const siblings = useSiblings(messages)
  useJump(chatId, { path, messages, from, more, scroller })
  return (
    <>
      <div className="relative min-h-0 flex-1">
        {/* biome-ignore lint/a11y/useSemanticElements: it is named for being scrolled, not a part of the page of its own */}
        <div
          ref={scroller}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
          tabIndex={0}
          role="region"
          aria-label={t('chat.message.list', { title })}
          className="h-full overflow-y-auto text-base [overflow-anchor:none] focus-visible:outline-offset-[-2px]"
        >
          <div
            ref={content}
            className="mx-auto grid w-full max-w-3xl grid-cols-[minmax(0,1fr)] gap-4 px-4 pt-4 pb-8 leading-relaxed"
            style={{ fontSize: 'var(--text-size, 100%)' }}
          >
            {from > 0 && (
              <div ref={mark} className="text-center">
                <Button size="sm" look="quiet" onClick={more}>
                  {t('chat.message.earlier', { count: from })}
                </Button>
              </div>
            )}
            {path.slice(from).map((message, at) => (
              <MessageItem
                key={message.id}
                message={message}
                siblings={siblings(message)}
                models={models}
                isEdited={editedId === message.id}
                isBusy={isRunning}
                isLast={!isRunning && from + at === path.length - 1}
                actions={actions}
              />
            ))}
            {isRunShown && <RunningItem chatId={chatId} />}
          </div>
        </div>
        {!isAtEnd && (
          <IconButton
            label={t('chat.message.toEnd')}
            look="secondary"
            className="absolute bottom-3 left-1/2 z-10 -translate-x-1/2 rounded-full max-md:size-11"
            onClick={toEnd}
          >
            <ArrowDown aria-hidden />
          </IconButton>
        )}
      </div>
      {children}
    </>
  )
}

/** The only part that is drawn anew while words come. */
function RunningItem({ chatId }: { chatId: string }) {
  const { t } = useTranslation()
  const run = useRuns(state => state.runs[chatId])
  if (run === undefined) return null
  return (
    <article aria-label={t('chat.message.of', { model: run.model })} className="min-h-24">
      <RunningBody run={run} />
    </article>
  )
}

const alone: readonly Message[] = []

/** The siblings of each message; the same list as long as it is the same siblings. */
function useSiblings(messages: readonly Message[]): (message: Message) => readonly Message[] {
  const known = useRef(new Map<string, readonly Message[]>())
  return useMemo(() => {
    const byPlace = Map.groupBy(
      messages.filter(({ id, parentId }) => id !== parentId),
      ({ parentId, role }) => `${role} ${parentId}`,
    )
    return (message: Message) => {
      const key = `${message.role} ${message.parentId}`
      const place = byPlace.get(key) ?? alone
      if (place.length < 2) return alone
      const found = siblingsOf(place, message)
      const before = known.current.get(key)
      if (before !== undefined && sameIds(before, found)) return before
      known.current.set(key, found)
      return found
    }
  }, [messages])
}

function sameIds(one: readonly Message[], other: readonly Message[]): boolean {
  return one.length === other.length && one.every(({ id }, at) => id === other[at]?.id)
}
