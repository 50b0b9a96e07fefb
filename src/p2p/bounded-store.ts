import { NotFoundError } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

type Datastore = NonNullable<Libp2pOptions['datastore']>
type Key = Parameters<Datastore['get']>[0]
type Pair = { key: Key; value: Uint8Array }
/** What a query for pairs and one for keys have in common. */
interface Query<T> {
  prefix?: string
  filters?: ((item: T) => boolean)[]
  orders?: ((a: T, b: T) => -1 | 0 | 1)[]
  limit?: number
  offset?: number
}

export interface BoundedStoreOptions {
  readonly entriesMax: number
  /** What is not accepted is forgotten at once. */
  readonly accepts: (key: string) => boolean
}

/**
 * What libp2p remembers of peers and of the DHT, in memory and bounded: strangers write here, and libp2p's own store grows
 * with every one of them. The entry longest not written goes first; what matters is announced again.
 */
export class BoundedStore implements Datastore {
  readonly #entries = new Map<string, Pair>()
  readonly #options: BoundedStoreOptions

  constructor(options: BoundedStoreOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  put(key: Key, value: Uint8Array): Key {
    const name = key.toString()
    if (!this.#options.accepts(name)) return key
    this.#entries.delete(name)
    this.#entries.set(name, { key, value })
    if (this.#entries.size > this.#options.entriesMax) this.#entries.delete(this.#entries.keys().next().value!)
    return key
  }

  get(key: Key): Uint8Array {
    const entry = this.#entries.get(key.toString())
    if (!entry) throw new NotFoundError(`nothing is stored at ${key}`)
    return entry.value
  }

  has(key: Key): boolean {
    return this.#entries.has(key.toString())
  }

  delete(key: Key): void {
    this.#entries.delete(key.toString())
  }

  async *putMany(pairs: Iterable<Pair> | AsyncIterable<Pair>): AsyncGenerator<Key> {
    for await (const { key, value } of pairs) yield this.put(key, value)
  }

  async *getMany(keys: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Pair> {
    for await (const key of keys) yield { key, value: this.get(key) }
  }

  async *deleteMany(keys: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Key> {
    for await (const key of keys) {
      this.delete(key)
      yield key
    }
  }

  batch() {
    const steps: (() => void)[] = []
    return {
      put: (key: Key, value: Uint8Array) => void steps.push(() => this.put(key, value)),
      delete: (key: Key) => void steps.push(() => this.delete(key)),
      commit: () => {
        for (const step of steps.splice(0)) step()
      },
    }
  }

  *query(query: Query<Pair>): Generator<Pair> {
    yield* select(this.#under(query.prefix), query)
  }

  *queryKeys(query: Query<Key>): Generator<Key> {
    const keys = this.#under(query.prefix).map(({ key }) => key)
    yield* select(keys, query)
  }

  #under(prefix = ''): Pair[] {
    return [...this.#entries].filter(([name]) => name.startsWith(prefix)).map(([, pair]) => pair)
  }
}

function select<T>(items: T[], { filters = [], orders = [], offset = 0, limit }: Query<T>): T[] {
  const kept = items.filter(item => filters.every(keep => keep(item)))
  for (const order of orders) kept.sort(order)
  return kept.slice(offset, limit === undefined ? undefined : offset + limit)
}
