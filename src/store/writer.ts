import {
  type LogRow,
  ParleyError,
  type RecordSink,
  type RequestRecord,
  type Store,
  sleep,
  within,
} from '../core/index.ts'
import { type Entry, fromText, toText } from './entries.ts'
import { openSpool, type Spool, type SpoolOptions } from './spool.ts'

/** What the writer tells; for the event log, metrics and alerts. */
export type WriterNews =
  | { readonly type: 'store.lost' | 'store.back' }
  /** `full`: no room in memory or on disk. `refused`: the database will never take them. */
  | { readonly type: 'rows.dropped'; readonly count: number; readonly why: 'full' | 'refused' }

export interface WriterOptions {
  readonly store: Pick<Store, 'requests' | 'logs'>
  /** Where rows wait while the database is away. */
  readonly spool: SpoolOptions
  readonly batchRows?: number
  readonly batchMs?: number
  /** A batch the database has not taken by then is put on disk too, so that a crash cannot take it along. */
  readonly slowMs?: number
  /** The most that waits in memory, roughly. */
  readonly queueMaxBytes?: number
  /** The longest pause between two tries to reach the database. */
  readonly retryMaxMs?: number
  readonly tell?: (news: WriterNews) => void
}

export interface WriterStatus {
  /** Rows in memory, and bytes on disk, that the database does not have yet. */
  readonly queued: number
  readonly spooledBytes: number
  readonly written: number
  readonly dropped: number
  readonly isStoreAway: boolean
}

/**
 * Brings rows to the database off the path of the calls they are about: in batches, in order, and over the disk while the
 * database is away. A crash takes along what came within the last second at most; a row is never there or counted twice.
 */
export interface RecordWriter extends RecordSink {
  readonly status: () => WriterStatus
  /** Returns when all that was put before is in the database or on disk. */
  readonly flush: () => Promise<void>
  /** The same, within a bound, and ends the writer. What comes later is dropped. */
  readonly close: (boundMs?: number) => Promise<void>
}

const rowBytes = 2_048
const batchMaxRows = 250
const batchMaxBytes = 4 * 1024 * 1024
const retryFirstMs = 100
const closeBoundMs = 5_000

export function createWriter(options: WriterOptions): RecordWriter {
  return new Writer(options)
}

class Writer implements RecordWriter {
  readonly #options: Required<Omit<WriterOptions, 'spool'>>
  readonly #spool: Spool
  readonly #queue: Entry[] = []
  readonly #ended = new AbortController()
  #queuedBytes = 0
  #written = 0
  #dropped = 0
  #isAway = false
  #timer: NodeJS.Timeout | undefined
  /** What was taken from the queue and is not safe yet. */
  #taken: readonly Entry[] = []
  #emptying: Promise<void> | undefined
  #draining: Promise<void> | undefined

  constructor({ spool, ...options }: WriterOptions) {
    const defaults = { batchRows: 50, batchMs: 100, slowMs: 500, queueMaxBytes: 32 * 1024 * 1024, retryMaxMs: 2_000 }
    this.#options = { ...defaults, tell: () => undefined, ...options }
    this.#spool = openSpool(spool)
    this.#drain()
  }

  readonly putRequest = (record: RequestRecord): void => {
    const words = (record.archive?.input.content.length ?? 0) + (record.archive?.response.content.length ?? 0)
    this.#put({ request: record }, rowBytes + 2 * words)
  }

  readonly putLog = (row: LogRow): void => this.#put({ log: row }, rowBytes + row.message.length)

  readonly status = (): WriterStatus => ({
    queued: this.#queue.length + this.#taken.length,
    spooledBytes: this.#spool.bytes(),
    written: this.#written,
    dropped: this.#dropped,
    isStoreAway: this.#isAway,
  })

  readonly flush = async (): Promise<void> => {
    while (this.#queue.length > 0 || this.#emptying !== undefined) await this.#empty()
  }

  readonly close = async (boundMs = closeBoundMs): Promise<void> => {
    if (this.#ended.signal.aborted) return
    const isFlushed = await within(this.flush(), boundMs, 'writing what is left').then(
      () => true,
      () => false,
    )
    this.#ended.abort(new ParleyError('stopping', 'the writer has ended'))
    clearTimeout(this.#timer)
    if (!isFlushed) this.#rescue()
    const parts = Promise.all([this.#draining, this.#spool.close()])
    await within(parts, boundMs, 'ending the writer').catch(() => undefined)
  }

  #put(entry: Entry, bytes: number): void {
    const { batchRows, batchMs, queueMaxBytes } = this.#options
    if (this.#ended.signal.aborted || this.#queuedBytes + bytes > queueMaxBytes) {
      this.#drop(1, 'full')
      return
    }
    this.#queue.push({ ...entry, bytes })
    this.#queuedBytes += bytes
    if (this.#queue.length >= batchRows) void this.#empty()
    else this.#timer ??= setTimeout(() => void this.#empty(), batchMs)
  }

  /** One at a time, so that rows stay in order. Never rejects. */
  #empty(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#emptying ??= this.#emptyAll().finally(() => {
      this.#emptying = undefined
    })
    return this.#emptying
  }

  async #emptyAll(): Promise<void> {
    while (this.#queue.length > 0 && !this.#ended.signal.aborted) {
      this.#taken = this.#take()
      if (!this.#spool.isEmpty() || !(await this.#writeSoon(this.#taken))) await this.#keep(this.#taken)
      this.#taken = []
    }
  }

  #take(): readonly Entry[] {
    let [count, bytes] = [0, 0]
    while (count < Math.min(this.#queue.length, batchMaxRows) && bytes < batchMaxBytes) {
      bytes += this.#queue[count++]!.bytes ?? 0
    }
    this.#queuedBytes -= bytes
    return this.#queue.splice(0, count)
  }

  /** False where the database does not take them, or not in time: it may still, and then they come a second time. */
  async #writeSoon(entries: readonly Entry[]): Promise<boolean> {
    try {
      this.#written += await within(this.#write(entries), this.#options.slowMs, 'a write to the database')
      return true
    } catch (cause) {
      // Slow is not away: that is said by who waits longer.
      if (!(cause instanceof ParleyError && cause.code === 'timeout')) this.#setAway(true)
      return false
    }
  }

  /** How many were taken. Rejects only where the database may take them later. */
  async #write(entries: readonly Entry[]): Promise<number> {
    const { store } = this.#options
    try {
      const records = entries.flatMap(({ request }) => request ?? [])
      if (records.length > 0) await store.requests.write(records)
      const rows = entries.flatMap(({ log }) => log ?? [])
      if (rows.length > 0) await store.logs.write(rows)
      return entries.length
    } catch (cause) {
      if (cause instanceof ParleyError && cause.code === 'store_unavailable') throw cause
      // One that the database refuses must not keep the others from it.
      if (entries.length === 1) {
        this.#drop(1, 'refused')
        return 0
      }
      let taken = 0
      for (const entry of entries) taken += await this.#write([entry])
      return taken
    }
  }

  async #keep(entries: readonly Entry[]): Promise<void> {
    const text = toText(entries)
    if (text === undefined || !(await this.#spool.append(text))) this.#drop(entries.length, 'full')
    this.#drain()
  }

  #drain(): void {
    this.#draining ??= this.#drainAll().finally(() => {
      this.#draining = undefined
    })
  }

  /** Never rejects. */
  async #drainAll(): Promise<void> {
    let pauseMs = retryFirstMs
    const { signal } = this.#ended
    while (!this.#spool.isEmpty() && !signal.aborted) {
      try {
        await this.#spool.drainOldest(async text => {
          signal.throwIfAborted()
          this.#written += await this.#write(fromText(text))
          this.#setAway(false)
          pauseMs = retryFirstMs
        })
      } catch {
        if (signal.aborted) return
        this.#setAway(true)
        await sleep(pauseMs, signal).catch(() => undefined)
        pauseMs = Math.min(2 * pauseMs, this.#options.retryMaxMs)
      }
    }
  }

  /** The last way, when there is no time to wait for anything. */
  #rescue(): void {
    const entries = [...this.#taken, ...this.#queue.splice(0)]
    const text = toText(entries)
    if (text === undefined || !this.#spool.appendNow(text)) this.#drop(entries.length, 'full')
  }

  #setAway(isAway: boolean): void {
    if (this.#isAway === isAway) return
    this.#isAway = isAway
    this.#options.tell({ type: isAway ? 'store.lost' : 'store.back' })
  }

  #drop(count: number, why: 'full' | 'refused'): void {
    this.#dropped += count
    this.#options.tell({ type: 'rows.dropped', count, why })
  }
}
