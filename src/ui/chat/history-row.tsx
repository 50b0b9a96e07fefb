import { Link } from '@tanstack/react-router'
import {
  Ellipsis,
  Folder as FolderIcon,
  FolderInput,
  FolderOpen,
  MessageSquarePlus,
  Pencil,
  Pin,
  PinOff,
  Trash2,
} from 'lucide-react'
import { type DragEvent, type FocusEvent, type KeyboardEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from '../parts/class.ts'
import { Menu } from '../parts/menu.tsx'
import type { Chat, Folder } from '../storage/documents.ts'
import { deleteChat, fileChat } from './history-actions.ts'
import { useRuns } from './runs.ts'

/** What is dragged, named so that nothing else is taken for it. */
export const dragType = 'application/x-parley-chat'

const line =
  'group relative flex h-8 items-center rounded-md hover:bg-muted focus-within:bg-muted max-md:h-11 data-[here=true]:bg-secondary'
const title = 'min-w-0 flex-1 self-stretch flex items-center gap-2 rounded-md px-2 text-left'
const more =
  'flex size-7 shrink-0 items-center justify-center rounded-md text-muted-foreground hover:text-foreground aria-expanded:opacity-100 max-md:size-11 md:opacity-0 md:group-focus-within:opacity-100 md:group-hover:opacity-100'

interface ChatRowProps {
  chat: Chat
  isInside: boolean
  isHere: boolean
  /** The one row the keyboard comes to. */
  isFocusable: boolean
  onMove: (chat: Chat) => void
  onDeleted: (chat: Chat) => void
}

export function ChatRow({ chat, isInside, isHere, isFocusable, onMove, onDeleted }: ChatRowProps) {
  const { t } = useTranslation()
  const [isRenaming, setIsRenaming] = useState(false)
  const isRunning = useRuns(({ runs }) => chat.id in runs)
  const name = chat.title || t('storage.history.untitled')
  const remove = () => {
    deleteChat(chat)
    onDeleted(chat)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'F2') setIsRenaming(true)
    else if (event.key === 'Delete') remove()
    else return
    event.preventDefault()
  }
  if (isRenaming) {
    const save = (text: string) => {
      setIsRenaming(false)
      if (text !== '' && text !== chat.title) fileChat(chat, { title: text })
    }
    return <Rename label={t('storage.history.rename')} text={chat.title} onDone={save} />
  }
  return (
    <div className={cn(line, isInside && 'ml-4')} data-here={isHere}>
      <Link
        to={'/chat/$id' as '/'}
        params={{ id: chat.id } as never}
        draggable
        data-row
        tabIndex={isFocusable ? 0 : -1}
        aria-current={isHere ? 'page' : undefined}
        title={name}
        className={title}
        onDragStart={(event: DragEvent) => {
          event.dataTransfer.setData(dragType, chat.id)
          event.dataTransfer.effectAllowed = 'move'
        }}
        onDoubleClick={() => setIsRenaming(true)}
        onKeyDown={onKeyDown}
      >
        <span className={cn('truncate', isHere && 'font-medium')}>{name}</span>
        {isRunning && <Running />}
      </Link>
      <Menu
        items={[
          { label: t('storage.history.rename'), icon: Pencil, onSelect: () => setTimeout(() => setIsRenaming(true)) },
          {
            label: t(chat.isPinned ? 'storage.history.unpin' : 'storage.history.pin'),
            icon: chat.isPinned ? PinOff : Pin,
            onSelect: () => fileChat(chat, { isPinned: !chat.isPinned }),
          },
          { label: t('storage.history.move'), icon: FolderInput, onSelect: () => onMove(chat) },
          null,
          { label: t('common.delete'), icon: Trash2, isDangerous: true, onSelect: remove },
        ]}
      >
        <button
          type="button"
          className={more}
          tabIndex={isFocusable ? 0 : -1}
          aria-label={t('storage.history.moreOf', { title: name })}
        >
          <Ellipsis aria-hidden className="size-4" />
        </button>
      </Menu>
    </div>
  )
}

function Running() {
  const { t } = useTranslation()
  return (
    <span role="status" className="ml-auto flex shrink-0">
      <span aria-hidden className="size-2 animate-pulse rounded-full bg-primary" />
      <span className="sr-only">{t('storage.history.running')}</span>
    </span>
  )
}

interface FolderRowProps {
  folder: Folder
  count: number
  isOpen: boolean
  isFocusable: boolean
  onToggle: () => void
  onBegin: (folder: Folder) => void
  onEdit: (folder: Folder) => void
  onRemove: (folder: Folder) => void
  onDropChat: (chatId: string, folderId: string) => void
}

export function FolderRow(props: FolderRowProps) {
  const { folder, count, isOpen, isFocusable, onToggle, onBegin, onEdit, onRemove, onDropChat } = props
  const { t } = useTranslation()
  const { isOver, ...target } = useDropTarget(id => onDropChat(id, folder.id))
  const Icon = isOpen ? FolderOpen : FolderIcon
  return (
    <div className={cn(line, isOver && 'bg-accent')} {...target}>
      <button
        type="button"
        data-row
        tabIndex={isFocusable ? 0 : -1}
        aria-expanded={isOpen}
        title={folder.name}
        className={title}
        onClick={onToggle}
        onKeyDown={event => {
          if (event.key === 'F2') onEdit(folder)
          if (event.key === 'Delete') onRemove(folder)
        }}
      >
        <Icon aria-hidden className="size-4 shrink-0 text-muted-foreground" />
        <span className="truncate">{folder.name}</span>
        <span className="tabular ml-auto text-xs text-muted-foreground">{count}</span>
      </button>
      <Menu
        items={[
          { label: t('app.pages.chat'), icon: MessageSquarePlus, onSelect: () => onBegin(folder) },
          { label: t('storage.history.editFolder'), icon: Pencil, onSelect: () => onEdit(folder) },
          null,
          { label: t('common.delete'), icon: Trash2, isDangerous: true, onSelect: () => onRemove(folder) },
        ]}
      >
        <button
          type="button"
          className={more}
          tabIndex={isFocusable ? 0 : -1}
          aria-label={t('storage.history.moreOf', { title: folder.name })}
        >
          <Ellipsis aria-hidden className="size-4" />
        </button>
      </Menu>
    </div>
  )
}

/** Where a chat can be let go. */
export function useDropTarget(onDropChat: (chatId: string) => void) {
  const [isOver, setIsOver] = useState(false)
  return {
    isOver,
    onDragOver: (event: DragEvent) => {
      if (!event.dataTransfer.types.includes(dragType)) return
      event.preventDefault()
      setIsOver(true)
    },
    onDragLeave: () => setIsOver(false),
    onDrop: (event: DragEvent) => {
      setIsOver(false)
      const id = event.dataTransfer.getData(dragType)
      if (id === '') return
      event.preventDefault()
      onDropChat(id)
    },
  }
}

const nameMost = 200

/** A name is changed where it stands; Escape leaves it as it was. */
function Rename({ label, text, onDone }: { label: string; text: string; onDone: (text: string) => void }) {
  const isDone = useRef(false)
  const done = (value: string) => {
    if (isDone.current) return
    isDone.current = true
    onDone(value.trim())
  }
  return (
    <input
      aria-label={label}
      defaultValue={text}
      maxLength={nameMost}
      // biome-ignore lint/a11y/noAutofocus: it stands where the focus was
      autoFocus
      onFocus={(event: FocusEvent<HTMLInputElement>) => event.target.select()}
      onBlur={event => done(event.target.value)}
      onKeyDown={event => {
        event.stopPropagation()
        if (event.key === 'Enter') done(event.currentTarget.value)
        if (event.key === 'Escape') done(text)
      }}
      className="h-8 w-full rounded-md border border-input bg-card px-2 max-md:h-11"
    />
  )
}
