import OpenAI, { type APIError } from 'openai'
import { expect } from 'vitest'
import type { ConfigInput } from '../../src/config/index.ts'
import type { Channel, ChannelKey, LoggedEvent } from '../../src/core/index.ts'
import { channelOf, until } from './market.ts'
import type { NodeSetup } from './node-process.ts'
import { type NodeProcess, startNodeProcess } from './processes.ts'
import type { createHome } from './stage.ts'

export type Side = ChannelKey['side']

/** At these prices a token of output costs 10 units, and a window of 16 tokens 160. */
export const tokenPrice = 10n
export const windowPrice = 160n
export const selling: ConfigInput = {
  provider: { prices: { in: '2', out: '10' }, windowTokens: 16, claim: { everySeconds: 0 } },
}
/** What the one prompt of these tests costs in advance: (5 bytes / 4 rounded up + 8) tokens of 2 units. */
export const promptPrice = 20n

/** One counter, as both sides have it on disk. */
export interface Books {
  readonly own: Channel
  readonly theirs: Channel
}

/** A call as its app saw it. */
export interface Heard {
  readonly tokens: number
  readonly error: APIError | undefined
}

/** A provider and its one customer, as processes that can die; their homes stay. */
export class DoomedPair {
  readonly homes: Readonly<Record<Side, ReturnType<typeof createHome>>>
  readonly events: LoggedEvent[] = []
  readonly #setups: Readonly<Record<Side, NodeSetup>>
  readonly #running = new Map<Side, NodeProcess>()
  #key = ''

  /** Homes are given: a provider is registered under its home's identity before it starts. */
  constructor(homes: DoomedPair['homes'], configs: Readonly<Record<Side, ConfigInput>>) {
    this.homes = homes
    this.#setups = {
      user: { home: homes.user.path, config: configs.user },
      provider: { home: homes.provider.path, config: configs.provider },
    }
  }

  process(side: Side): NodeProcess {
    return this.#running.get(side)!
  }

  book(side: Side): Channel | undefined {
    return channelOf(this.homes[side].path, side)
  }

  async start(): Promise<void> {
    const [, user] = await Promise.all([this.#start('provider'), this.#start('user')])
    this.#key = user.ready.key!
    await this.#listed()
  }

  /** Starts whoever is dead. */
  async revive(): Promise<void> {
    const dead = (['provider', 'user'] as const).filter(side => !this.process(side).isAlive())
    await Promise.all(dead.map(side => this.#start(side)))
    if (dead.includes('user')) await this.#listed()
  }

  async kill(side: Side): Promise<void> {
    await this.process(side).kill()
    this.#collect(side)
  }

  async stop(): Promise<void> {
    for (const side of ['user', 'provider'] as const) {
      await this.#running.get(side)?.stop()
      this.homes[side].remove()
    }
  }

  /** Asks for a streamed answer and hears it to its end, whichever that is. */
  async ask(model: string, onToken: (tokens: number) => void = () => undefined): Promise<Heard> {
    const ai = new OpenAI({ baseURL: this.process('user').ready.url, apiKey: this.#key, maxRetries: 0 })
    let tokens = 0
    try {
      const messages = [{ role: 'user' as const, content: 'hello' }]
      for await (const chunk of await ai.chat.completions.create({ model, messages, stream: true })) {
        if (chunk.choices[0]?.delta.content) onToken(++tokens)
      }
      return { tokens, error: undefined }
    } catch (cause) {
      return { tokens, error: cause as APIError }
    }
  }

  books(): Books {
    return { own: this.book('user')!, theirs: this.book('provider')! }
  }

  /** Waits until both books say the same, this much is charged and all of it paid, and returns them. */
  async level(charged: bigint): Promise<Books> {
    let books = this.books()
    await until(() => {
      books = this.books()
      const { own, theirs } = books
      const isLevel = own.authorized === theirs.authorized && own.charged === theirs.charged
      return isLevel && own.charged >= charged && own.authorized >= own.charged
    }, 'the books are level')
    return books
  }

  allEvents(): LoggedEvent[] {
    return [...this.events, ...[...this.#running.values()].flatMap(({ events }) => events)]
  }

  async #start(side: Side): Promise<NodeProcess> {
    this.#collect(side)
    const started = await startNodeProcess(this.#setups[side])
    this.#running.set(side, started)
    return started
  }

  #collect(side: Side): void {
    const former = this.#running.get(side)
    if (former !== undefined) this.events.push(...(former.events as LoggedEvent[]).splice(0))
  }

  async #listed(): Promise<void> {
    const { url } = this.process('user').ready
    const headers = { authorization: `Bearer ${this.#key}` }
    let names = ''
    const ask = async () => {
      names = await (await fetch(`${url}/models`, { headers })).text()
    }
    for (let attempt = 0; attempt < 400 && !names.includes('"say-5"'); attempt++) {
      await ask()
      await new Promise(resolve => setTimeout(resolve, 25))
    }
    expect(names).toContain('"say-5"')
  }
}
