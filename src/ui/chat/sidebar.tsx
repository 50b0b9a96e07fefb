import { Link, useNavigate, useRouterState } from '@tanstack/react-router'
import { FolderPlus, Search, TriangleAlert, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useShortcut } from '../client/shortcuts.ts'
import { IconButton } from '../parts/button.tsx'
import type { Chat, Folder } from '../storage/documents.ts'
import { useHistory } from '../storage/store.ts'
import { FolderDialog, MoveDialog, RemoveFolder } from './history-folders.tsx'
import { HistoryList } from './history-list.tsx'
import { SearchHits, useChatSearch } from './history-search.tsx'

type Asking =
  | { readonly what: 'folder'; readonly folder: Folder | 'new' }
  | { readonly what: 'remove'; readonly folder: Folder }
  | { readonly what: 'move'; readonly chat: Chat }

/** The chats there are, in the rail. */
export function ChatSidebar() {
  const { t } = useTranslation()
  const [query, setQuery] = useState('')
  const [isSearched, setIsSearched] = useState(false)
  const [asking, setAsking] = useState<Asking>()
  const input = useRef<HTMLInputElement>(null)
  const search = useChatSearch(isSearched)
  useShortcut('searchChats', () => input.current?.focus())
  const isSearching = query.trim() !== ''
  return (
    <section aria-label={t('storage.history.title')} className="flex h-full min-h-0 flex-col gap-1">
      <div className="flex items-center gap-1 px-0.5 pt-1">
        <div className="relative min-w-0 flex-1">
          <Search aria-hidden className="absolute top-1/2 left-2 size-3.5 -translate-y-1/2 text-muted-foreground" />
          <input
            ref={input}
            type="search"
            value={query}
            aria-label={t('storage.history.search')}
            placeholder={t('storage.history.search')}
            onFocus={() => setIsSearched(true)}
            onChange={event => setQuery(event.target.value)}
            onKeyDown={event => {
              if (event.key !== 'Escape' || query === '' || event.nativeEvent.isComposing) return
              // One thing at a time: an answer that is being written goes on.
              event.preventDefault()
              setQuery('')
            }}
            className="h-8 w-full rounded-md border border-transparent bg-transparent pr-7 pl-7 placeholder:text-muted-foreground hover:bg-muted focus:border-input focus:bg-card focus-visible:outline-offset-0 max-md:h-11 [&::-webkit-search-cancel-button]:hidden"
          />
          {isSearching && (
            <button
              type="button"
              aria-label={t('storage.history.clearSearch')}
              onClick={() => setQuery('')}
              className="absolute top-1/2 right-1 flex size-6 -translate-y-1/2 items-center justify-center rounded text-muted-foreground hover:text-foreground"
            >
              <X aria-hidden className="size-3.5" />
            </button>
          )}
        </div>
        <IconButton
          label={t('storage.history.newFolder')}
          size="sm"
          className="text-muted-foreground max-md:size-11"
          onClick={() => setAsking({ what: 'folder', folder: 'new' })}
        >
          <FolderPlus aria-hidden />
        </IconButton>
      </div>
      <Fleeting />
      {isSearching ? (
        <div className="min-h-0 flex-1 overflow-y-auto">
          <SearchHits search={search} query={query} />
        </div>
      ) : (
        <Chats onAsk={setAsking} />
      )}
      <Asked asking={asking} onClose={() => setAsking(undefined)} />
    </section>
  )
}

/** Said all the time, because it cannot be made good afterwards. */
function Fleeting() {
  const { t } = useTranslation()
  const isMemory = useHistory(state => state.isMemory)
  if (!isMemory) return null
  return (
    <Link
      to={'/settings/storage' as '/'}
      className="flex gap-2 rounded-md border border-warning/40 bg-warning/8 px-2 py-1.5 text-[0.8125rem]"
    >
      <TriangleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0 text-warning" />
      {t('storage.history.memory')}
    </Link>
  )
}

function Chats({ onAsk }: { onAsk: (asking: Asking) => void }) {
  const navigate = useNavigate()
  const here = useRouterState({ select: ({ location }) => /^\/chat\/([^/]+)/.exec(location.pathname)?.[1] })
  return (
    <HistoryList
      here={here}
      onMove={chat => onAsk({ what: 'move', chat })}
      onBegin={({ id }) => void navigate({ to: '/', search: { folder: id } as never })}
      onEditFolder={folder => onAsk({ what: 'folder', folder })}
      onRemoveFolder={folder => onAsk({ what: 'remove', folder })}
      onDeleted={({ id }) => {
        if (id === here) void navigate({ to: '/' })
      }}
    />
  )
}

function Asked({ asking, onClose }: { asking: Asking | undefined; onClose: () => void }) {
  const { chats, folders } = useHistory()
  if (asking?.what === 'folder') return <FolderDialog folder={asking.folder} onClose={onClose} />
  if (asking?.what === 'move') return <MoveDialog chat={asking.chat} folders={folders} onClose={onClose} />
  if (asking?.what !== 'remove') return null
  const count = chats.filter(({ folderId }) => folderId === asking.folder.id).length
  return <RemoveFolder folder={asking.folder} count={count} onClose={onClose} />
}
