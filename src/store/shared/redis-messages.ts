import type { Messages } from '../../core/index.ts'
import { Listeners } from './listeners.ts'
import type { RedisParts } from './redis-parts.ts'

/** `missed` instead of a text: its sender could not be heard for a while. */
interface Message {
  readonly from: string
  readonly channel?: string
  readonly text?: string
}

export interface RedisMessages extends Messages {
  readonly hear: (message: string) => void
  /** To be called with each new connection: neither side knows what the other said meanwhile. */
  readonly joined: () => void
}

export function createRedisMessages(
  { prefix, random }: Pick<RedisParts, 'prefix' | 'random'>,
  link: () => RedisParts['link'],
): RedisMessages {
  const nodeId = random.uuid()
  const listeners = new Listeners()
  let isUnheard = false
  const say = async (message: Message) => {
    const heard = await link().ask(['PUBLISH', messageChannel(prefix), JSON.stringify(message)])
    if (heard === undefined) isUnheard = true
  }
  return {
    publish: (channel, text) => {
      listeners.tell(channel, text)
      void say({ from: nodeId, channel, text })
    },
    subscribe: (channel, listener) => listeners.add(channel, listener),
    hear: text => {
      const { from, channel, text: said } = JSON.parse(text) as Message
      if (from === nodeId) return
      if (channel === undefined) listeners.tellMissed()
      else listeners.tell(channel, said)
    },
    joined: () => {
      listeners.tellMissed()
      if (isUnheard) void say({ from: nodeId })
      isUnheard = false
    },
  }
}

export function messageChannel(prefix: string): string {
  return `${prefix}messages`
}
