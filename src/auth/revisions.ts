import type { Messages, Service, Store } from '../core/index.ts'

export interface RevisionsOptions {
  readonly store: Pick<Store, 'revision'>
  readonly messages: Messages
  /** How often the store is asked, for changes of those who send no message. */
  readonly everyMs: number
}

/** Tells those who keep rows of the store in memory that they may be out of date. */
export interface Revisions extends Service {
  /** Counts the changes heard of: what was read under another count is to be read again. */
  readonly current: () => number
  /** To be called after each change made here: all nodes learn of it, this one before it returns. */
  readonly changed: () => void
  /** Returns the function that ends it. */
  readonly subscribe: (listener: () => void) => () => void
}

const channel = 'store'

/** A word from the node that changed something comes at once; the number in the store tells of every other change. */
export function createRevisions({ store, messages, everyMs }: RevisionsOptions): Revisions {
  const listeners = new Set<() => void>()
  let count = 0
  let known: number | undefined
  let timer: NodeJS.Timeout | undefined
  let isRunning = false
  let leave = () => {}
  const bump = () => {
    count++
    for (const listener of listeners) listener()
  }
  const look = async () => {
    const revision = await store.revision().catch(() => undefined)
    if (revision !== undefined && revision !== known) {
      if (known !== undefined) bump()
      known = revision
    }
    if (isRunning) timer = setTimeout(() => void look(), everyMs).unref()
  }
  return {
    name: 'changes in the store',
    start: async () => {
      isRunning = true
      leave = messages.subscribe(channel, bump)
      await look()
    },
    stop: async () => {
      isRunning = false
      clearTimeout(timer)
      leave()
    },
    current: () => count,
    changed: () => messages.publish(channel, 'changed'),
    subscribe: listener => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
