import type { MessageListener } from '../../core/index.ts'

/** Who listens in this process. What one cannot read, such as a word of a newer node, makes none of them deaf. */
export class Listeners {
  readonly #byChannel = new Map<string, Set<MessageListener>>()

  get channels(): readonly string[] {
    return [...this.#byChannel.keys()]
  }

  add(channel: string, listener: MessageListener): () => void {
    const listeners = this.#byChannel.get(channel) ?? new Set<MessageListener>()
    this.#byChannel.set(channel, listeners)
    // Its own function, so that one listener may listen twice.
    const own: MessageListener = text => listener(text)
    listeners.add(own)
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#byChannel.get(channel) === listeners) this.#byChannel.delete(channel)
    }
  }

  tell(channel: string, text: string | undefined): void {
    for (const listener of [...(this.#byChannel.get(channel) ?? [])]) {
      try {
        listener(text)
      } catch {
        listener(undefined)
      }
    }
  }

  /** All of them may have missed something. */
  tellMissed(): void {
    for (const channel of this.channels) this.tell(channel, undefined)
  }
}
