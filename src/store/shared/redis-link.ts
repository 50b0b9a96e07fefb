import type { Clock, Random } from '../../core/index.ts'
import { ParleyError, within } from '../../core/index.ts'

/** The commands this folder uses, of the client of the package `redis`. */
export interface RedisClient {
  readonly isOpen: boolean
  connect: () => Promise<unknown>
  subscribe: (channel: string, listener: (text: string) => void) => Promise<unknown>
  sendCommand: (args: readonly (string | Buffer)[], options?: object) => Promise<unknown>
  on: (event: string, listener: (cause: unknown) => void) => unknown
  destroy: () => void
}

export interface RedisLinkOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. */
  readonly url: string
  /** How long a command may take; 50 ms when missing. */
  readonly commandTimeoutMs?: number
  readonly clock: Clock
  readonly random: Random
  /** Told once for each change, with what cut it off where that is known. */
  readonly onReach?: (reach: 'joined' | 'cut_off', cause?: unknown) => void
}

export interface RedisLinkParts extends RedisLinkOptions {
  readonly channel: string
  readonly onMessage: (text: string) => void
  /** Runs with each new connection before it counts as one. */
  readonly onJoined: () => void
}

const defaultCommandTimeoutMs = 50
const connectTimeoutMs = 1_000
/** So many in a row that fail are no accident. */
const failuresMax = 3
const beatMs = 1_000
const firstRetryMs = 250
const lastRetryMs = 4_000
/** One that holds for so long is trusted: the next loss is answered as fast as the first. */
const steadyMs = 30_000
const queueMax = 10_000
const timeoutSlices = 5

/**
 * One connection to Redis that is either there or not. A command never waits for longer than its bound; after a few that
 * did not come back the connection is given up, nothing is asked any more, and new connections are tried in the background.
 */
export class RedisLink {
  readonly #options: RedisLinkParts
  #client: RedisClient | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #retryMs = firstRetryMs
  #joinedAt = 0
  #isRunning = false
  #reach: 'joined' | 'cut_off' = 'cut_off'
  #told: 'joined' | 'cut_off' | undefined

  constructor(options: RedisLinkParts) {
    this.#options = options
  }

  get reach(): 'joined' | 'cut_off' {
    return this.#reach
  }

  /** Tries once, and goes on trying: a Redis that is not there yet keeps no node from starting. */
  async start(): Promise<void> {
    this.#isRunning = true
    await this.#tryToJoin()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    clearTimeout(this.#timer)
    this.#reach = 'cut_off'
    const client = this.#client
    // What ends now was not lost.
    this.#client = undefined
    if (client !== undefined) discard(client)
  }

  /** Undefined when there is no answer: no connection, too late, or refused. Null is an answer. */
  async ask<T>(args: readonly (string | Buffer)[], options?: object): Promise<T | undefined> {
    const client = this.#client
    if (client === undefined) return undefined
    try {
      const reply = await bounded(client.sendCommand(args, options), this.#commandTimeoutMs)
      this.#failures = 0
      return reply as T
    } catch (cause) {
      if (++this.#failures >= failuresMax) this.#lost(client, cause)
      return undefined
    }
  }

  get #commandTimeoutMs(): number {
    return this.#options.commandTimeoutMs ?? defaultCommandTimeoutMs
  }

  async #tryToJoin(): Promise<void> {
    try {
      const client = await this.#connected()
      if (!this.#isRunning) return discard(client)
      this.#joined(client)
    } catch (cause) {
      if (this.#isRunning) this.#cutOff(cause)
    }
  }

  async #connected(): Promise<RedisClient> {
    const client = await createRedisClient(this.#options.url)
    client.on('error', cause => this.#lost(client, cause))
    client.on('end', () => this.#lost(client, undefined))
    try {
      await within(client.connect(), connectTimeoutMs, 'connecting to Redis')
      const heard = client.subscribe(this.#options.channel, text => this.#options.onMessage(text))
      await within(heard, connectTimeoutMs, 'subscribing at Redis')
      return client
    } catch (cause) {
      discard(client)
      throw cause
    }
  }

  #joined(client: RedisClient): void {
    this.#client = client
    this.#failures = 0
    this.#joinedAt = this.#options.clock.monotonic()
    this.#reach = 'joined'
    this.#tell()
    this.#options.onJoined()
    this.#later(() => this.#beat(client), beatMs)
  }

  /** Also a node that asks nothing must find out that it hears nothing. */
  async #beat(client: RedisClient): Promise<void> {
    for (let attempt = 0; attempt < failuresMax && this.#client === client; attempt++) {
      if ((await this.ask(['PING'])) !== undefined) break
    }
    if (this.#client === client) this.#later(() => this.#beat(client), beatMs)
  }

  #lost(client: RedisClient, cause: unknown): void {
    if (this.#client !== client) return
    this.#client = undefined
    discard(client)
    const heldMs = this.#options.clock.monotonic() - this.#joinedAt
    if (heldMs > steadyMs) this.#retryMs = firstRetryMs
    this.#cutOff(cause)
  }

  #cutOff(cause: unknown): void {
    this.#reach = 'cut_off'
    this.#tell(cause)
    const waitMs = this.#retryMs * (0.75 + this.#options.random.fraction() / 2)
    this.#retryMs = Math.min(lastRetryMs, this.#retryMs * 2)
    this.#later(() => this.#tryToJoin(), waitMs)
  }

  #tell(cause?: unknown): void {
    if (this.#told === this.#reach) return
    this.#told = this.#reach
    this.#options.onReach?.(this.#reach, cause)
  }

  #later(work: () => Promise<void>, ms: number): void {
    clearTimeout(this.#timer)
    if (this.#isRunning) this.#timer = setTimeout(() => void work(), ms).unref()
  }
}

/** Everything about reconnecting is here and not in the client: it would queue commands for a server that is away. */
async function createRedisClient(url: string): Promise<RedisClient> {
  const { createClient } = await import('redis')
  return createClient({
    url,
    RESP: 3,
    disableOfflineQueue: true,
    commandsQueueMaxLength: queueMax,
    maintNotifications: 'disabled',
    socket: { connectTimeout: connectTimeoutMs, reconnectStrategy: false },
  }) as unknown as RedisClient
}

function discard(client: RedisClient): void {
  if (client.isOpen) client.destroy()
}

/**
 * Waits in slices: while this process is too busy to write and to read, little of the time counts, as Redis is not what is
 * slow then. What has arrived is read before anything is called late.
 */
async function bounded<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const isLate = () => reject(new ParleyError('timeout', `Redis was silent for ${timeoutMs} ms`))
  let slices = 0
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    if (slices++ === timeoutSlices) setImmediate(isLate)
    else timer = setTimeout(wait, timeoutMs / timeoutSlices)
  }
  wait()
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Runs a script as one step. */
export async function evaluate<T>(
  link: RedisLink,
  script: string,
  keys: readonly string[],
  values: readonly (string | Buffer)[],
  options?: object,
): Promise<T | undefined> {
  return await link.ask<T>(['EVAL', script, String(keys.length), ...keys, ...values], options)
}
