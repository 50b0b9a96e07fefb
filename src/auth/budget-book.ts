import type { BudgetRow, BudgetScope, BudgetStore, Clock, Messages, Service } from '../core/index.ts'
import { windowAround } from '../core/index.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Revisions } from './revisions.ts'

export interface BudgetBookParts {
  readonly budgets: Pick<BudgetStore, 'list' | 'get' | 'spend'>
  readonly revisions: Pick<Revisions, 'current'>
  readonly messages: Messages
  readonly clock: Clock
  /** Told when spending here has brought a budget past another twentieth of its amount. */
  readonly onCrossed?: (row: BudgetRow, percent: number) => void
}

/** Where budgets are looked for. */
export interface BudgetOwner {
  readonly scope: BudgetScope
  readonly scopeId: string
}

/** A budget with what this node has set aside of it and not yet booked. */
export interface OpenBudget {
  row: BudgetRow
  reserved: bigint
  /** Spent here and not in the row. */
  pending: bigint
}

/** Budgets in memory: what is spent goes to the store in the background, and comes from there with what others spent. */
export interface BudgetBook extends Service {
  /** All that apply to these, and the one of this id. */
  readonly of: (owners: readonly BudgetOwner[], id: string | null) => Promise<readonly OpenBudget[]>
  readonly spend: (budget: OpenBudget, amount: bigint) => void
}

const ownersMax = 200_000
const perOwnerMax = 100
/** What other nodes spend shows after this even where no message tells of it. */
const freshMs = 5_000
const flushEveryMs = 100
const percentStep = 5
const channel = 'budget'

interface Known {
  readonly budgets: readonly OpenBudget[]
  readonly revision: number
  readonly readAt: number
}

export function createBudgetBook(parts: BudgetBookParts): BudgetBook {
  const book = new Book(parts)
  let timer: NodeJS.Timeout | undefined
  let leave = () => {}
  const later = () => {
    timer = setTimeout(
      () =>
        void book
          .flush()
          .catch(() => {})
          .then(() => timer && later()),
      flushEveryMs,
    ).unref()
  }
  return {
    name: 'budgets',
    start: async () => {
      leave = parts.messages.subscribe(channel, text => book.hear(text))
      later()
    },
    stop: async () => {
      clearTimeout(timer)
      timer = undefined
      leave()
      await book.flush()
    },
    of: (owners, id) => book.of(owners, id),
    spend: (budget, amount) => book.spend(budget, amount),
  }
}

class Book {
  readonly #parts: BudgetBookParts
  readonly #byOwner = new BoundedMap<string, Known>(ownersMax)
  /** One for each id, so that the same budget found in two ways is one. */
  readonly #byId = new BoundedMap<string, OpenBudget>(ownersMax)
  readonly #unbooked = new Set<OpenBudget>()
  /** One for each owner at most, and for each change it may be older than. */
  readonly #reads = new Map<string, Promise<readonly OpenBudget[]>>()
  #flushing: Promise<void> | undefined

  constructor(parts: BudgetBookParts) {
    this.#parts = parts
  }

  async of(owners: readonly BudgetOwner[], id: string | null): Promise<readonly OpenBudget[]> {
    const found = owners.map(owner => this.#known(`${owner.scope}:${owner.scopeId}`, () => this.#list(owner)))
    if (id !== null) found.push(this.#known(`id:${id}`, () => this.#get(id)))
    // All together: one that fails while another is waited for would be nobody's.
    const all = new Set((await Promise.all(found)).flat())
    const now = this.#parts.clock.now()
    for (const budget of all) this.#renew(budget, now)
    return [...all]
  }

  spend(budget: OpenBudget, amount: bigint): void {
    if (amount === 0n) return
    budget.pending += amount
    this.#unbooked.add(budget)
  }

  hear(text: string | undefined): void {
    if (text === undefined) return
    const { id, spent, windowStart } = JSON.parse(text) as { id: string; spent: string; windowStart: number }
    const budget = this.#byId.get(id)
    if (budget !== undefined) budget.row = laterOf(budget.row, { ...budget.row, windowStart, spent: BigInt(spent) })
  }

  /** One at a time, so that an amount is never on its way twice. */
  flush(): Promise<void> {
    this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #write(): Promise<void> {
    for (const budget of [...this.#unbooked]) {
      this.#unbooked.delete(budget)
      const amount = budget.pending
      try {
        const [row] = await this.#parts.budgets.spend([budget.row.id], amount)
        budget.pending -= amount
        if (row !== undefined) this.#booked(budget, row, amount)
      } catch (cause) {
        this.#unbooked.add(budget)
        throw cause
      }
      if (budget.pending !== 0n) this.#unbooked.add(budget)
    }
  }

  #booked(budget: OpenBudget, row: BudgetRow, amount: bigint): void {
    budget.row = row
    const [before, now] = [percentOf(row, row.spent - amount), percentOf(row, row.spent)]
    if (Math.floor(now / percentStep) > Math.floor(before / percentStep)) this.#parts.onCrossed?.(row, now)
    const { id, spent, windowStart } = row
    this.#parts.messages.publish(channel, JSON.stringify({ id, spent: String(spent), windowStart }))
  }

  /** At once where something is known; it is read again beside the call. */
  #known(
    key: string,
    read: () => Promise<readonly BudgetRow[]>,
  ): readonly OpenBudget[] | Promise<readonly OpenBudget[]> {
    const known = this.#byOwner.get(key)
    if (known === undefined || known.revision !== this.#parts.revisions.current())
      return this.#readOnce(key, read, known)
    // Of who has none, nobody spends: a first one is a change of the store.
    const isOld = known.budgets.length > 0 && this.#parts.clock.monotonic() - known.readAt > freshMs
    if (isOld) void this.#readOnce(key, read, known)
    return known.budgets
  }

  /** Those who come meanwhile wait for the same answer. */
  #readOnce(
    key: string,
    read: () => Promise<readonly BudgetRow[]>,
    known: Known | undefined,
  ): Promise<readonly OpenBudget[]> {
    const name = `${this.#parts.revisions.current()} ${key}`
    const running = this.#reads.get(name)
    if (running !== undefined) return running
    const reading = this.#read(key, read, known).finally(() => this.#reads.delete(name))
    this.#reads.set(name, reading)
    return reading
  }

  /** While the store is away, what was known goes on. Without anything known, the call waits for the store. */
  async #read(
    key: string,
    read: () => Promise<readonly BudgetRow[]>,
    known: Known | undefined,
  ): Promise<readonly OpenBudget[]> {
    const revision = this.#parts.revisions.current()
    const readAt = this.#parts.clock.monotonic()
    try {
      const budgets = (await read()).map(row => this.#open(row))
      this.#byOwner.set(key, { budgets, revision, readAt })
      return budgets
    } catch (cause) {
      if (known === undefined) throw cause
      this.#byOwner.set(key, { ...known, revision, readAt })
      return known.budgets
    }
  }

  #open(row: BudgetRow): OpenBudget {
    const open = this.#byId.get(row.id) ?? { row, reserved: 0n, pending: 0n }
    open.row = laterOf(open.row, row)
    this.#byId.set(row.id, open)
    return open
  }

  #renew(budget: OpenBudget, now: number): void {
    const { row } = budget
    const { start } = windowAround(row.window, now)
    if (row.windowStart < start) budget.row = { ...row, spent: 0n, windowStart: start }
  }

  async #list(owner: BudgetOwner): Promise<readonly BudgetRow[]> {
    return (await this.#parts.budgets.list(owner, { page: 1, limit: perOwnerMax })).rows
  }

  async #get(id: string): Promise<readonly BudgetRow[]> {
    const row = await this.#parts.budgets.get(id)
    return row === undefined ? [] : [row]
  }
}

function percentOf({ amount }: BudgetRow, spent: bigint): number {
  return amount === 0n ? 100 : Number((spent * 10_000n) / amount) / 100
}

/** Within a window spending only grows: what was read before it grew may arrive after. */
function laterOf(known: BudgetRow, read: BudgetRow): BudgetRow {
  const { spent, windowStart } = known
  const isOld = read.windowStart < windowStart || (read.windowStart === windowStart && read.spent < spent)
  return isOld ? { ...read, spent, windowStart } : read
}
