import { type Backend, type EventLog, ParleyError, type Reply, sleep } from '../core/index.ts'
import type { Source } from './source.ts'
import type { Tree } from './tree.ts'

/** The tree that answers now, and those before it on which calls still run. */
export interface Turns {
  readonly current: () => Tree
  /** The current tree, then those that calls run on or have ended on a moment ago, the newest first. */
  readonly answering: () => readonly Tree[]
  /** Every call from now on goes to this one. What is left over is closed after the last call that could use it. */
  readonly swap: (next: Tree, leftOver: readonly Source[]) => void
  /** A part of the tree as one backend: each call stays on the tree it began on. */
  readonly backend: (part: (tree: Tree) => Backend) => Backend
  /** Work on the current tree that counts as a call. */
  readonly during: <T>(work: (tree: Tree) => Promise<T>) => Promise<T>
  /** Closes what waits to be closed, whoever still uses it. */
  readonly close: () => Promise<void>
}

interface Turn {
  readonly tree: Tree
  running: number
  isOver: boolean
  readonly ended: PromiseWithResolvers<void>
}

const passingTickMs = 250
/** What a call came to is asked for when its answer was sent, which may be later than it ended. */
const rememberedMs = 60_000

/** `totalMs` bounds how long a call may take, and so how long anything is kept open for it. */
export function createTurns(first: Tree, { totalMs, log }: { totalMs: number; log: EventLog }): Turns {
  let turn = newTurn(first)
  const over = new Set<Turn>()
  const remembered = new Set<Turn>()
  const waiting = new Set<Source>()
  const stopping = new AbortController()
  const enter = () => {
    const entered = turn
    entered.running++
    return {
      tree: entered.tree,
      leave: () => {
        entered.running--
        if (entered.isOver && entered.running === 0) end(entered)
      },
    }
  }
  const end = (last: Turn) => {
    over.delete(last)
    last.ended.resolve()
    remembered.add(last)
    setTimeout(() => remembered.delete(last), rememberedMs).unref()
  }
  const close = async (source: Source) => {
    if (!waiting.delete(source)) return
    try {
      await source.close()
    } catch (cause) {
      const { code, message } = ParleyError.from(cause)
      log.emit({ type: 'service.failed', service: source.name, code, message })
    }
  }
  const closeLater = async (sources: readonly Source[]) => {
    const bound = AbortSignal.any([stopping.signal, AbortSignal.timeout(totalMs)])
    const calls = Promise.all([...over].map(({ ended }) => ended.promise))
    await Promise.race([calls, aborted(bound)])
    while (!bound.aborted && sources.some(source => source.passing() > 0)) {
      await sleep(passingTickMs, bound).catch(whenBounded)
    }
    await Promise.all(sources.map(close))
  }
  return {
    current: () => turn.tree,
    answering: () => [turn, ...[...over].toReversed(), ...[...remembered].toReversed()].map(({ tree }) => tree),
    swap: (next, leftOver) => {
      const last = turn
      turn = newTurn(next)
      last.isOver = true
      if (last.running === 0) end(last)
      else over.add(last)
      if (leftOver.length === 0) return
      for (const source of leftOver) waiting.add(source)
      void closeLater(leftOver)
    },
    backend: part => ({
      name: part(first).name,
      models: signal => part(turn.tree).models(signal),
      run: (call, context) =>
        counted(() => {
          const { tree, leave } = enter()
          return { reply: part(tree).run(call, context), leave }
        }),
    }),
    during: async work => {
      const { tree, leave } = enter()
      try {
        return await work(tree)
      } finally {
        leave()
      }
    },
    close: async () => {
      stopping.abort(new ParleyError('stopping', 'the node is shutting down'))
      await Promise.all([...waiting].map(close))
    },
  }
}

/** A reply that begins with its first step, and tells when it is over. It adds no step of its own to those of the reply. */
function counted(begin: () => { readonly reply: Reply; readonly leave: () => void }): Reply {
  let begun: { readonly reply: Reply; readonly leave: () => void } | undefined
  let isOver = false
  const over = () => {
    if (!isOver) begun?.leave()
    isOver = true
  }
  const step = (take: (reply: Reply) => ReturnType<Reply['next']>) => {
    begun ??= begin()
    const taken = take(begun.reply)
    void taken.then(({ done }) => done === true && over(), over)
    return taken
  }
  const counting: Reply = {
    next: () => step(reply => reply.next()),
    return: value => step(reply => reply.return(value)),
    throw: cause => step(reply => reply.throw(cause)),
    [Symbol.asyncIterator]: () => counting,
    [Symbol.asyncDispose]: async () => void (await counting.return(undefined as never)),
  }
  return counting
}

function newTurn(tree: Tree): Turn {
  return { tree, running: 0, isOver: false, ended: Promise.withResolvers() }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** The loop sees by itself that it is to end. */
function whenBounded(): void {}
