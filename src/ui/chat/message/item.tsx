import { ArrowRightLeft, Ellipsis, FileText, GitFork, Info, Pencil, RotateCw, Sparkles, Trash2 } from 'lucide-react'
import { memo } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { Copy } from '../../parts/copy.tsx'
import { duration, number } from '../../parts/format.ts'
import { Menu, type MenuItem } from '../../parts/menu.tsx'
import type { Message } from '../../storage/documents.ts'
import { costText } from '../price.ts'
import { type Model, summaryOf } from '../rank.ts'
import { AnswerBody } from './answer.tsx'
import { Branches } from './branches.tsx'
import { Problem } from './problem.tsx'
import { PromptBubble } from './user.tsx'

export interface ItemActions {
  readonly again: (message: Message, wish: { model?: string; provider?: string }) => void
  readonly edit: (message: Message, text: string) => void
  readonly show: (id: string) => void
  readonly fork: (message: Message) => void
  readonly remove: (message: Message) => void
  readonly details: (message: Message) => void
  readonly startEdit: (id: string | undefined) => void
}

interface ItemProps {
  message: Message
  siblings: readonly Message[]
  models: readonly Model[]
  isEdited: boolean
  /** Another answer is being written here. */
  isBusy: boolean
  isLast: boolean
  actions: ItemActions
}

const othersMax = 12

/** One message that is whole. It is drawn anew only when something of it changes. */
export const MessageItem = memo(({ message, siblings, models, isEdited, isBusy, isLast, actions }: ItemProps) => {
  const { t } = useTranslation()
  const isPrompt = message.role === 'user'
  const others = othersOf(message, models)
  return (
    <article
      aria-label={isPrompt ? t('chat.message.yours') : t('chat.message.of', { model: message.model ?? '' })}
      data-message={message.id}
      className="group/message grid grid-cols-[minmax(0,1fr)] gap-1 [content-visibility:auto] [contain-intrinsic-size:auto_8rem]"
    >
      {isPrompt ? (
        <PromptBubble
          message={message}
          isEdited={isEdited}
          onEdited={text => actions.edit(message, text)}
          onLeave={() => actions.startEdit(undefined)}
        />
      ) : (
        <>
          <AnswerBody message={message} />
          <Problem message={message} {...others} isBusy={isBusy} onAgain={wish => actions.again(message, wish)} />
        </>
      )}
      {!isEdited && (
        <div
          className={cn(
            'flex flex-wrap items-center gap-0.5 text-muted-foreground transition-opacity [&_button:not(:hover)]:text-muted-foreground',
            isPrompt ? 'justify-end' : '-ml-2',
            !isLast &&
              siblings.length < 2 &&
              'md:opacity-0 md:group-focus-within/message:opacity-100 md:group-hover/message:opacity-100',
          )}
        >
          <Branches message={message} siblings={siblings} isDisabled={isBusy} onShow={actions.show} />
          {isPrompt ? (
            <PromptActions message={message} isBusy={isBusy} actions={actions} />
          ) : (
            <AnswerActions message={message} others={others} isBusy={isBusy} actions={actions} />
          )}
        </div>
      )}
    </article>
  )
})
MessageItem.displayName = 'MessageItem'

function PromptActions({ message, isBusy, actions }: Pick<ItemProps, 'message' | 'isBusy' | 'actions'>) {
  const { t } = useTranslation()
  return (
    <>
      <Copy text={message.text} label={t('chat.message.copy')} className="max-md:size-11" />
      <IconButton
        label={t('common.edit')}
        size="sm"
        className="max-md:size-11"
        disabled={isBusy}
        onClick={() => actions.startEdit(message.id)}
      >
        <Pencil aria-hidden />
      </IconButton>
      <More message={message} items={[]} isBusy={isBusy} actions={actions} />
    </>
  )
}

interface AnswerActionsProps extends Pick<ItemProps, 'message' | 'isBusy' | 'actions'> {
  others: ReturnType<typeof othersOf>
}

function AnswerActions({ message, others, isBusy, actions }: AnswerActionsProps) {
  const { t } = useTranslation()
  const { models, providers } = others
  const items: (MenuItem | null)[] = [
    ...(message.text === ''
      ? []
      : [{ label: t('chat.message.copyText'), icon: FileText, onSelect: () => void copyPlain(message.text) }]),
    ...(message.text !== '' && providers.length > 0 ? [null] : []),
    ...providers.map(provider => ({
      label: t('chat.message.againBy', { name: provider }),
      icon: ArrowRightLeft,
      isDisabled: isBusy,
      onSelect: () => actions.again(message, { provider }),
    })),
    ...(models.length > 0 ? [null] : []),
    ...models.map(model => ({
      label: t('chat.message.againWith', { name: model }),
      icon: Sparkles,
      isDisabled: isBusy,
      onSelect: () => actions.again(message, { model }),
    })),
    null,
  ]
  return (
    <>
      {message.text !== '' && <Copy text={message.text} label={t('chat.message.copy')} className="max-md:size-11" />}
      <IconButton
        label={t('chat.message.again')}
        size="sm"
        className="max-md:size-11"
        disabled={isBusy}
        onClick={() => actions.again(message, {})}
      >
        <RotateCw aria-hidden />
      </IconButton>
      <IconButton
        label={t('chat.details.name')}
        size="sm"
        className="max-md:size-11"
        onClick={() => actions.details(message)}
      >
        <Info aria-hidden />
      </IconButton>
      <More message={message} items={items} isBusy={isBusy} actions={actions} />
      <span className="tabular min-w-0 truncate px-1 text-xs max-md:w-full max-md:px-2">{summaryLine(message)}</span>
    </>
  )
}

interface MoreProps extends Pick<ItemProps, 'message' | 'isBusy' | 'actions'> {
  items: readonly (MenuItem | null)[]
}

function More({ message, items, isBusy, actions }: MoreProps) {
  const { t } = useTranslation()
  return (
    <Menu
      align="start"
      items={[
        ...items,
        { label: t('chat.message.fork'), icon: GitFork, onSelect: () => actions.fork(message) },
        {
          label: t('chat.message.remove'),
          icon: Trash2,
          isDangerous: true,
          isDisabled: isBusy,
          onSelect: () => actions.remove(message),
        },
      ]}
    >
      <IconButton label={t('common.more')} size="sm" className="max-md:size-11">
        <Ellipsis aria-hidden />
      </IconButton>
    </Menu>
  )
}

/** Who else could answer, where the model has more providers than the one that did, and the best of the other models. */
function othersOf({ model, facts }: Message, models: readonly Model[]) {
  const offers = models.find(({ id }) => id === model)?.offers ?? []
  const providers = offers
    .filter(({ provider, state }) => state !== 'down' && provider !== facts?.provider)
    .map(({ provider }) => provider)
  const usable = models.filter(each => each.id !== model && !summaryOf(each).isDown)
  return {
    providers: offers.length > 1 ? providers.slice(0, othersMax) : [],
    models: usable.slice(0, othersMax).map(({ id }) => id),
  }
}

function summaryLine({ model, facts, usage }: Message): string {
  return [
    facts?.servedModel ?? model ?? '',
    facts?.tokensPerSecond === undefined ? '' : `${number(facts.tokensPerSecond)} tok/s`,
    facts?.ttftMs === undefined || usage === undefined ? '' : duration(facts.ttftMs),
    facts?.cost === undefined || facts.currency === undefined ? '' : costText(facts.cost, facts.currency),
  ]
    .filter(part => part !== '')
    .join(' · ')
}

/** Without the marks of Markdown. */
async function copyPlain(markdown: string): Promise<void> {
  const text = markdown
    .replaceAll(/^ {0,3}(?:```|~~~).*$/gm, '')
    .replaceAll(/^ {0,3}#{1,6} +/gm, '')
    .replaceAll(/^ {0,3}> ?/gm, '')
    .replaceAll(/!?\[([^\]\n]*)\]\([^)\n]*\)/g, '$1')
    .replaceAll(/(\*\*|__|~~)(?=\S)(.+?)\1/g, '$2')
    .replaceAll(/`([^`\n]+)`/g, '$1')
  await navigator.clipboard.writeText(text.trim())
}
