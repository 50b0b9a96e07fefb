import type { Message } from './documents.ts'

/** Of messages in one request; a node takes more. */
const portionBytes = 6_000_000
const encoder = new TextEncoder()

function bytesOf(message: Message): number {
  return encoder.encode(JSON.stringify(message)).length
}

/** Never none: the head goes too. */
export function portions(messages: readonly Message[]): readonly (readonly Message[])[] {
  const found: Message[][] = [[]]
  let bytes = 0
  for (const message of messages) {
    const size = bytesOf(message)
    if (bytes > 0 && bytes + size > portionBytes) {
      found.push([])
      bytes = 0
    }
    found.at(-1)!.push(message)
    bytes += size
  }
  return found
}
