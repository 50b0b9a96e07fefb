import { Link } from '@tanstack/react-router'
import { useDeferredValue, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { relative } from '../parts/format.ts'
import type { ChatSearch, Hit } from '../storage/search.ts'
import { chatStore } from '../storage/store.ts'

let made: Promise<ChatSearch> | undefined

function chatSearch(): Promise<ChatSearch> {
  made ??= import('../storage/search.ts').then(
    ({ createChatSearch }) => createChatSearch(chatStore()),
    cause => {
      made = undefined
      throw cause
    },
  )
  return made
}

const warmUpMs = 4_000

/** Made a while after the page came, or when somebody wants to search. */
export function useChatSearch(isWanted: boolean): ChatSearch | undefined {
  const [search, setSearch] = useState<ChatSearch>()
  useEffect(() => {
    const make = () => void chatSearch().then(setSearch, () => undefined)
    if (isWanted) return make()
    const timer = setTimeout(make, warmUpMs)
    return () => clearTimeout(timer)
  }, [isWanted])
  return search
}

export function SearchHits({ search, query }: { search: ChatSearch | undefined; query: string }) {
  const { t } = useTranslation()
  const { hits, isReady } = useHits(search, useDeferredValue(query))
  return (
    <>
      <p role="status" className="px-2 py-1.5 text-xs text-muted-foreground">
        {!isReady && hits.length === 0
          ? t('storage.history.indexing')
          : t('storage.history.hits', { count: hits.length })}
      </p>
      <ul className="grid grid-cols-[minmax(0,1fr)] gap-px">
        {hits.map(hit => (
          <li key={`${hit.chatId} ${hit.messageId}`}>
            <HitLink hit={hit} />
          </li>
        ))}
      </ul>
    </>
  )
}

function useHits(search: ChatSearch | undefined, query: string): { hits: readonly Hit[]; isReady: boolean } {
  const [turn, setTurn] = useState(0)
  useEffect(() => search?.onChange(() => setTurn(now => now + 1)), [search])
  const isReady = useSyncExternalStore(search?.onChange ?? nothing, () => search?.isReady() ?? false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: once more when there is more to find
  const hits = useMemo(() => search?.search(query) ?? [], [search, query, turn, isReady])
  return { hits, isReady }
}

const nothing = () => () => {}

function HitLink({ hit: { chatId, messageId, title, pieces, at } }: { hit: Hit }) {
  const { t } = useTranslation()
  return (
    <Link
      to={'/chat/$id' as '/'}
      params={{ id: chatId } as never}
      search={(messageId === undefined ? {} : { message: messageId }) as never}
      data-row
      className="grid grid-cols-[minmax(0,1fr)] gap-0.5 rounded-md px-2 py-1.5 hover:bg-muted"
    >
      <span className="flex items-baseline gap-2">
        <span className="min-w-0 flex-1 truncate font-medium">{title || t('storage.history.untitled')}</span>
        <span className="shrink-0 text-xs text-muted-foreground">{relative(at)}</span>
      </span>
      <span className="line-clamp-2 text-[0.8125rem] break-words text-muted-foreground">
        {pieces.map(({ text, isHit }, place) =>
          isHit ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: they do not move
            <mark key={place} className="rounded-sm bg-accent text-accent-foreground">
              {text}
            </mark>
          ) : (
            text
          ),
        )}
      </span>
    </Link>
  )
}
