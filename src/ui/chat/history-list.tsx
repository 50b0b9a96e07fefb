import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from '../parts/class.ts'
import { Failed, Skeleton } from '../parts/states.tsx'
import type { Chat, Folder } from '../storage/documents.ts'
import { refreshHistory, useChats } from '../storage/store.ts'
import { fileChat, useLeaving } from './history-actions.ts'
import { ChatRow, FolderRow, useDropTarget } from './history-row.tsx'
import { type Group, type Row, rowsOf } from './history-rows.ts'
import { openFolder, useOpenFolders } from './history-state.ts'

interface ListProps {
  /** The chat that is shown. */
  here: string | undefined
  onMove: (chat: Chat) => void
  onBegin: (folder: Folder) => void
  onEditFolder: (folder: Folder) => void
  onRemoveFolder: (folder: Folder) => void
  onDeleted: (chat: Chat) => void
}

export function HistoryList(props: ListProps) {
  const { t } = useTranslation()
  const { chats, folders, isLoading, error } = useChats()
  const leaving = useLeaving(({ ids }) => ids)
  const open = useOpenFolders(({ ids }) => ids)
  const rows = useMemo(
    () =>
      rowsOf(
        chats.filter(({ id }) => !leaving.has(id)),
        folders,
        open,
      ),
    [chats, folders, open, leaving],
  )
  if (isLoading) return <Loading />
  if (error !== undefined) return <Failed error={error} onRetry={refreshHistory} />
  if (rows.length === 0) return <p className="px-2 py-3 text-muted-foreground">{t('storage.history.empty')}</p>
  return <Rows {...props} rows={rows} chats={chats} />
}

function Loading() {
  const { t } = useTranslation()
  return (
    <div role="status" aria-label={t('common.loading')} className="grid gap-4 px-2 py-3">
      {[80, 60, 90, 70].map(width => (
        <Skeleton key={width} className={cn({ 80: 'w-4/5', 60: 'w-3/5', 90: 'w-11/12', 70: 'w-2/3' }[width])} />
      ))}
    </div>
  )
}

const phone = '(width < 48rem)'

function useIsPhone(): boolean {
  return useSyncExternalStore(
    listener => {
      const query = matchMedia(phone)
      query.addEventListener('change', listener)
      return () => query.removeEventListener('change', listener)
    },
    () => matchMedia(phone).matches,
  )
}

interface RowsProps extends ListProps {
  rows: readonly Row[]
  chats: readonly Chat[]
}

function Rows({ rows, chats, ...props }: RowsProps) {
  const { t } = useTranslation()
  const scroller = useRef<HTMLDivElement>(null)
  const isPhone = useIsPhone()
  const rowPx = isPhone ? 45 : 33
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: at => (rows[at]?.kind === 'group' ? 30 : rowPx),
    getItemKey: at => rows[at]!.key,
    overscan: 12,
  })
  const keyboard = useRowKeys(rows, props.here, at => virtual.scrollToIndex(at))
  const drop = (chatId: string, folderId: string | null) => {
    const chat = chats.find(({ id }) => id === chatId)
    if (chat !== undefined && chat.folderId !== folderId) fileChat(chat, { folderId })
  }
  return (
    <div ref={scroller} className="-mx-1 min-h-0 flex-1 overflow-y-auto px-1">
      <ul
        aria-label={t('storage.history.title')}
        className="relative"
        style={{ height: virtual.getTotalSize() }}
        onFocus={keyboard.onFocus}
        onKeyDown={keyboard.onKeyDown}
      >
        {virtual.getVirtualItems().map(({ index, key, start, size }) => (
          <li key={key} data-at={index} className="absolute inset-x-0" style={{ top: start, height: size }}>
            <OneRow {...props} row={rows[index]!} isFocusable={index === keyboard.focusAt} onDropChat={drop} />
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Arrows go from row to row; the tab key comes to one of them alone. */
function useRowKeys(rows: readonly Row[], here: string | undefined, scrollTo: (at: number) => void) {
  const [focusedKey, setFocusedKey] = useState<string>()
  const find = (key: string | undefined) => rows.findIndex(row => row.key === key && row.kind !== 'group')
  const first = rows.findIndex(({ kind }) => kind !== 'group')
  const focusAt = [find(focusedKey), find(here), first].find(at => at >= 0) ?? 0
  const onKeyDown = (event: KeyboardEvent<HTMLUListElement>) => {
    const isRow = event.target instanceof HTMLElement && event.target.dataset.row !== undefined
    const to = isRow ? nextRow(rows, focusAt, event.key) : undefined
    const row = to === undefined ? undefined : rows[to]
    if (to === undefined || row === undefined) return
    event.preventDefault()
    const list = event.currentTarget
    setFocusedKey(row.key)
    scrollTo(to)
    // It is drawn once the list has moved there.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => list.querySelector<HTMLElement>(`[data-at="${to}"] [data-row]`)?.focus()),
    )
  }
  const onFocus = (event: React.FocusEvent) => {
    const at = event.target.closest<HTMLElement>('[data-at]')?.dataset.at
    if (at !== undefined) setFocusedKey(rows[Number(at)]?.key)
  }
  return { focusAt, onKeyDown, onFocus }
}

function nextRow(rows: readonly Row[], from: number, key: string): number | undefined {
  const step = { ArrowDown: 1, ArrowUp: -1, Home: 1, End: -1 }[key]
  if (step === undefined) return undefined
  let at = key === 'Home' ? 0 : key === 'End' ? rows.length - 1 : from + step
  while (rows[at]?.kind === 'group') at += step
  return at
}

interface OneRowProps extends ListProps {
  row: Row
  isFocusable: boolean
  onDropChat: (chatId: string, folderId: string | null) => void
}

function OneRow({
  row,
  here,
  isFocusable,
  onMove,
  onBegin,
  onEditFolder,
  onRemoveFolder,
  onDeleted,
  onDropChat,
}: OneRowProps) {
  if (row.kind === 'group') return <GroupHead group={row.group} onDropChat={id => onDropChat(id, null)} />
  if (row.kind === 'chat') {
    const { chat, isInside } = row
    return <ChatRow {...{ chat, isInside, isFocusable, onMove, onDeleted }} isHere={chat.id === here} />
  }
  const { folder, count, isOpen } = row
  return (
    <FolderRow
      {...{ folder, count, isOpen, isFocusable, onBegin, onDropChat }}
      onToggle={() => openFolder(folder.id, !isOpen)}
      onEdit={onEditFolder}
      onRemove={onRemoveFolder}
    />
  )
}

/** A chat that is dropped on a group of days leaves its folder. */
function GroupHead({ group, onDropChat }: { group: Group; onDropChat: (chatId: string) => void }) {
  const { t } = useTranslation()
  const { isOver, ...target } = useDropTarget(onDropChat)
  const isPlace = group !== 'pinned' && group !== 'folders'
  return (
    <div
      {...(isPlace && target)}
      className={cn(
        'flex h-full items-end rounded-md px-2 pb-1 text-xs font-medium text-muted-foreground',
        isOver && isPlace && 'bg-accent',
      )}
    >
      {t(`storage.history.groups.${group}`)}
    </div>
  )
}
