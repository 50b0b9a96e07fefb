import type { Config } from '../config/index.ts'
import {
  type Backend,
  type Clock,
  type EventLog,
  type Live,
  ParleyError,
  type Principal,
  type Random,
  type Sealer,
  type Service,
  type SetupDraft,
  within,
} from '../core/index.ts'
import {
  type CandidateSource,
  type Explanation,
  explain,
  isLike,
  type Ranking,
  type RouteQuestion,
} from '../gateway/index.ts'
import { createOwnModels, type OwnBackend, type OwnModels } from './own-models.ts'
import { createPricing, type DollarPricing } from './pricing.ts'
import { type NodeSetup, noRows, readRows, rowsWith, type SetupRows, type SetupStore, setupOf } from './setup.ts'
import { providerStates, setupView } from './setup-view.ts'
import { upstreamSource } from './source.ts'
import { createTree, type Tree } from './tree.ts'
import { tryOne } from './trial.ts'
import { createTurns, type Turns } from './turns.ts'

export interface LiveOptions {
  /** What the node starts with. */
  readonly config: Config
  /** The configuration as it is written down now; the one of the start when missing. */
  readonly reread?: (() => Config) | undefined
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly random: Random
  readonly log: EventLog
  readonly backends: readonly OwnBackend[]
  /** What others sell. Asked only once the node runs. */
  readonly peers: CandidateSource
  readonly ranking: Ranking
  readonly keyName: (principal: Principal) => string | undefined
  readonly store?: SetupStore | undefined
  /** Opens the keys of providers in the store. */
  readonly sealer?: Sealer | undefined
  /** Tells that rows may have changed, here or by another node. */
  readonly changes?: { readonly subscribe: (listener: () => void) => () => void } | undefined
}

/** The port, and what a node is made of that goes with the setup. */
export interface LiveNode extends Live, Service {
  readonly own: OwnModels
  /** What answers this node's own callers, and what answers peers. */
  readonly router: Backend
  readonly forSale: Backend
  /** All that can be asked now, by every name it has. */
  readonly candidates: CandidateSource
  readonly explain: (question: RouteQuestion) => Explanation
  readonly pricing: DollarPricing
  /** The row of a provider that is kept in the store, under any setup that still answers. */
  readonly providerId: (name: string) => string | undefined
}

/** What was read last: drafts are checked against it, and what is the same again changes nothing. */
interface Read {
  readonly config: Config
  readonly rows: SetupRows
  readonly mark: string
}

const changeMs = 30_000
const service = 'setup'

/** Opens the sources; rows that cannot be used are told and left out, so that the node can start and they can be corrected. */
export async function createLive(options: LiveOptions): Promise<LiveNode> {
  const { config, env, ranking, clock, log, random } = options
  const taken = [config.node.name, ...options.backends.map(({ name }) => name)]
  const tell = ({ code, message }: ParleyError) => log.emit({ type: 'service.failed', service, code, message })
  // Told with the start: nobody listens to the log before.
  const leftOut: ParleyError[] = []
  const { setup, ...first } = await firstSetup(options, { env, taken, onBadRow: error => leftOut.push(error) })
  const own = await createOwnModels({ ...options, upstreams: setup.upstreams })
  const treeOf = (next: NodeSetup, fleet: Tree['fleet'], former: Tree | undefined) =>
    createTree(next, { ...options, fleet, former })
  const { totalMs } = config.timeouts
  const turns = createTurns(treeOf(setup, own.fleet(), undefined), { totalMs, log })
  let read: Read = first
  let generation = 1
  const swap = async () => {
    const next = await readSetup(options, taken)
    if (next.mark !== read.mark) {
      const former = turns.current()
      const fleet = await own.prepare(next.setup.upstreams)
      const leftOver = own.use(fleet)
      turns.swap(treeOf(next.setup, fleet, former), leftOver)
      // What was seen of one that is gone says nothing of another of its name.
      const closed = leftOver.map(({ name }) => name)
      for (const name of closed) ranking.forget(name)
      const upstreams = next.setup.upstreams.length
      log.emit({ type: 'setup.changed', generation: ++generation, upstreams, closed })
    }
    read = next
  }
  const { reload, change, isIdle } = createReloading(swap, log)
  const follow = () => void reload().catch(toldInTheLog)
  let leave = () => {}
  return {
    name: service,
    start: async () => {
      for (const error of leftOut.splice(0)) tell(error)
      leave = options.changes?.subscribe(follow) ?? leave
    },
    stop: async () => {
      leave()
      await isIdle()
      await turns.close()
    },
    ...{ own, reload, change },
    check: draft => checkDraft(draft, read, options, taken),
    setup: () => setupView(turns.current().setup, generation),
    providers: () => providerStates(turns.current().fleet.members, ranking, clock),
    isOpen: path => isServed(turns.current().setup, path),
    ask: (name, call, signal) =>
      turns.during(tree => tryOne(backendOf(tree, name), call, signal, { clock, random, totalMs })),
    ...answering(turns),
  }
}

/** What hands calls and questions on to the tree of the moment. */
function answering(turns: Turns): Omit<LiveNode, keyof Live | keyof Service | 'own'> {
  const listing = () => turns.current().listing
  return {
    router: turns.backend(({ router }) => router),
    forSale: turns.backend(({ forSale }) => forSale),
    candidates: {
      serving: model => listing().serving(model),
      names: () => listing().names?.() ?? [],
      models: signal => listing().models(signal),
    },
    providerId: name => {
      const upstreams = turns.answering().flatMap(({ setup }) => setup.upstreams)
      return upstreams.find(upstream => upstream.name === name)?.id
    },
    explain: question => explain(turns.current().explaining(question.call?.task ?? 'chat'), question),
    pricing: createPricing({
      serving: ({ task }, model) =>
        turns
          .answering()
          .flatMap(tree => modelsFor(tree.setup, model).flatMap(name => tree.candidates(task).serving(name))),
    }),
  }
}

/** A model and those that rules may put in its place. */
function modelsFor({ routing: { rules } }: NodeSetup, model: string): readonly string[] {
  if (rules.length === 0) return [model]
  const fitting = rules.filter(({ when: { models } }) => models?.some(pattern => isLike(model, pattern)) ?? true)
  return [...new Set([model, ...fitting.flatMap(({ use }) => use.model ?? [])])]
}

async function firstSetup({ config, store, sealer }: LiveOptions, context: Parameters<typeof setupOf>[2]) {
  const rows = store === undefined ? noRows : await readRows(store, sealer)
  const setup = setupOf(config, rows, context)
  return { setup, config, rows, mark: markOf(setup) }
}

async function readSetup({ config, reread, store, sealer, env }: LiveOptions, taken: readonly string[]) {
  const now = reread?.() ?? config
  const rows = store === undefined ? noRows : await readRows(store, sealer)
  const setup = setupOf(now, rows, { env, taken })
  return { setup, config: now, rows, mark: markOf(setup) }
}

/** Two setups that say the same have the same; holds keys, so it is never shown. */
function markOf({ mapped, ...setup }: NodeSetup): string {
  return JSON.stringify({ ...setup, mapped: [...mapped] })
}

/** One reload at a time, and none while rows are being written. */
function createReloading(swap: () => Promise<void>, log: EventLog) {
  let running: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | undefined
  let writing: Promise<unknown> = Promise.resolve()
  let failure: string | undefined
  const told = async () => {
    try {
      await swap()
      if (failure !== undefined) log.emit({ type: 'service.recovered', service })
      failure = undefined
    } catch (cause) {
      const error = ParleyError.from(cause)
      const { code, message } = error
      if (message !== failure) log.emit({ type: 'service.failed', service, code, message })
      failure = message
      throw error
    }
  }
  const next = async () => {
    let awaited: Promise<unknown> | undefined
    while (awaited !== writing) {
      awaited = writing
      await Promise.allSettled([running, awaited])
    }
    waiting = undefined
    running = told()
    await running
  }
  const reload = () => (waiting ??= next())
  return {
    reload,
    isIdle: async () => void (await Promise.allSettled([running, waiting])),
    change: async <T>(work: () => Promise<T>): Promise<T> => {
      const before = writing
      const own = (async () => {
        await Promise.allSettled([before])
        return await within(work(), changeMs, 'writing the change')
      })()
      writing = own
      const result = await own
      await reload()
      return result
    },
  }
}

function toldInTheLog(): void {}

/** What a draft alone makes wrong; other rows that are wrong are another matter. */
function checkDraft(draft: SetupDraft, { config, rows }: Read, options: LiveOptions, taken: readonly string[]): void {
  const { env } = options
  const problemsOf = (checked: SetupRows) => {
    const problems: ParleyError[] = []
    const setup = setupOf(config, checked, { env, taken, onBadRow: error => problems.push(error) })
    return { problems, setup }
  }
  const known = problemsOf(rows).problems.map(({ message }) => message)
  const { problems, setup } = problemsOf(rowsWith(rows, draft))
  const wrong = problems.find(({ message }) => !known.includes(message))
  if (wrong !== undefined) throw asRequest(wrong)
  const drafted = setup.upstreams.filter(({ name }) => draft.providers?.some(provider => provider.name === name))
  for (const upstream of drafted) {
    try {
      void upstreamSource(upstream, { ...options, config }).close()
    } catch (cause) {
      throw asRequest(ParleyError.from(cause))
    }
  }
}

function asRequest(error: ParleyError): ParleyError {
  if (error.code !== 'config_invalid') return error
  return new ParleyError('invalid_request', error.message, { cause: error })
}

function isServed({ closedPaths }: NodeSetup, path: string): boolean {
  return !closedPaths.some(closed => path === closed || path.startsWith(`${closed}/`))
}

function backendOf({ fleet }: Tree, wanted: string): Backend {
  const member = fleet.members.find(({ source }) => source.name.toLowerCase() === wanted.toLowerCase())
  if (member !== undefined) return member.source.backend
  throw new ParleyError('not_found', `there is no provider ${JSON.stringify(wanted)} here; see its list`)
}
