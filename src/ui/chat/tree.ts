import type { Message } from '../storage/documents.ts'

/** The messages of a chat are a tree: what was edited or answered anew stands beside what was there before. */

/** From the first message to this one. What leads in a circle, or to nothing, is no path. */
export function pathTo(messages: readonly Message[], headId: string | null): readonly Message[] {
  const byId = new Map(messages.map(message => [message.id, message]))
  const path: Message[] = []
  const seen = new Set<string>()
  for (let id = headId; id !== null; ) {
    const message = byId.get(id)
    if (message === undefined || seen.has(id)) break
    seen.add(id)
    path.push(message)
    id = message.parentId
  }
  return path.toReversed()
}

/** All that stand where this one stands, itself included, oldest first. */
export function siblingsOf(messages: readonly Message[], message: Message): readonly Message[] {
  return messages
    .filter(({ parentId, role, id }) => parentId === message.parentId && role === message.role && parentId !== id)
    .toSorted(byAge)
}

/** Where the branch below a message ends: its newest child, the newest child of that, and so on. */
export function leafUnder(messages: readonly Message[], id: string): string {
  const children = childrenOf(messages)
  const seen = new Set<string>()
  let leaf = id
  while (!seen.has(leaf)) {
    seen.add(leaf)
    const newest = children.get(leaf)?.at(-1)
    if (newest === undefined) break
    leaf = newest.id
  }
  return leaf
}

/** A message and all that follow it, in all branches. */
export function branchFrom(messages: readonly Message[], id: string): readonly Message[] {
  const children = childrenOf(messages)
  const found = new Map<string, Message>()
  const root = messages.find(message => message.id === id)
  const open = root === undefined ? [] : [root]
  for (let message = open.pop(); message !== undefined; message = open.pop()) {
    if (found.has(message.id)) continue
    found.set(message.id, message)
    open.push(...(children.get(message.id) ?? []))
  }
  return [...found.values()]
}

/** What is shown once a branch is gone: the nearest sibling's newest leaf, else what was before. */
export function headWithout(messages: readonly Message[], id: string): string | null {
  const message = messages.find(each => each.id === id)
  if (message === undefined) return null
  const siblings = siblingsOf(messages, message)
  const at = siblings.findIndex(each => each.id === id)
  const next = siblings[at - 1] ?? siblings[at + 1]
  return next === undefined ? message.parentId : leafUnder(messages, next.id)
}

/**
 * What is left of a message that was deleted. Chats are merged by uniting their messages, so that one cannot be taken out: it
 * loses its words, and leads to itself, where no path comes by.
 */
export function erased(message: Message, now: number): Message {
  const { id, chatId, role, createdAt, updatedAt } = message
  return {
    ...{ id, chatId, role, createdAt, parentId: id, text: '', state: 'stopped' },
    updatedAt: Math.max(now, updatedAt + 1),
  }
}

/** The way to a message as the beginning of another chat. */
export function copyOfPath(path: readonly Message[], chatId: string, newId: () => string): readonly Message[] {
  let parentId: string | null = null
  return path.map(message => {
    const copy: Message = { ...message, id: newId(), chatId, parentId }
    parentId = copy.id
    return copy
  })
}

/** United by id; of two versions the later one stays. */
export function merged(mine: readonly Message[], theirs: readonly Message[]): readonly Message[] {
  const byId = new Map(mine.map(message => [message.id, message]))
  let isChanged = false
  for (const message of theirs) {
    const known = byId.get(message.id)
    if (known !== undefined && known.updatedAt >= message.updatedAt) continue
    byId.set(message.id, message)
    isChanged = true
  }
  return isChanged ? [...byId.values()] : mine
}

function childrenOf(messages: readonly Message[]): ReadonlyMap<string, readonly Message[]> {
  const children = new Map<string, Message[]>()
  for (const message of messages.toSorted(byAge)) {
    const { parentId } = message
    if (parentId === null || parentId === message.id) continue
    const known = children.get(parentId)
    if (known === undefined) children.set(parentId, [message])
    else known.push(message)
  }
  return children
}

function byAge(one: Message, other: Message): number {
  return one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1)
}
