import type { Chat, Folder } from '../storage/documents.ts'

export type Group = 'pinned' | 'folders' | 'today' | 'yesterday' | 'week' | 'older'

/** One line of the history. */
export type Row =
  | { readonly kind: 'group'; readonly key: string; readonly group: Group }
  | {
      readonly kind: 'folder'
      readonly key: string
      readonly folder: Folder
      readonly count: number
      readonly isOpen: boolean
    }
  | { readonly kind: 'chat'; readonly key: string; readonly chat: Chat; readonly isInside: boolean }

const dayMs = 86_400_000

/** Chats come newest first. Pinned ones are on top wherever they belong; those of a folder are in it alone. */
export function rowsOf(
  chats: readonly Chat[],
  folders: readonly Folder[],
  openFolders: ReadonlySet<string>,
  now = Date.now(),
): readonly Row[] {
  const known = new Set(folders.map(({ id }) => id))
  const groups = Map.groupBy(chats, chat => groupOf(chat, known, now))
  const line = (chat: Chat, isInside = false): Row => ({ kind: 'chat', key: chat.id, chat, isInside })
  const group = (name: Group): readonly Row[] => {
    const some = groups.get(name) ?? []
    if (some.length === 0) return []
    return [{ kind: 'group', key: name, group: name }, ...some.map(chat => line(chat))]
  }
  const inFolders = Map.groupBy(groups.get('folders') ?? [], ({ folderId }) => folderId)
  const folderRows = folders
    .toSorted((one, other) => one.name.localeCompare(other.name))
    .flatMap((folder): readonly Row[] => {
      const inside = inFolders.get(folder.id) ?? []
      const isOpen = openFolders.has(folder.id)
      const head: Row = { kind: 'folder', key: `folder ${folder.id}`, folder, count: inside.length, isOpen }
      return [head, ...(isOpen ? inside.map(chat => line(chat, true)) : [])]
    })
  return [
    ...group('pinned'),
    ...(folderRows.length > 0 ? [{ kind: 'group', key: 'folders', group: 'folders' } as const, ...folderRows] : []),
    ...group('today'),
    ...group('yesterday'),
    ...group('week'),
    ...group('older'),
  ]
}

function groupOf({ isPinned, folderId, updatedAt }: Chat, folders: ReadonlySet<string>, now: number): Group {
  if (isPinned) return 'pinned'
  if (folderId !== null && folders.has(folderId)) return 'folders'
  const today = new Date(now).setHours(0, 0, 0, 0)
  if (updatedAt >= today) return 'today'
  if (updatedAt >= today - dayMs) return 'yesterday'
  return updatedAt >= today - 6 * dayMs ? 'week' : 'older'
}
