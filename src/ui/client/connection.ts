import type { Connection } from '../../openai/stream-client.ts'
import { isNode, token } from './session.ts'

/** The node itself, as whoever is signed in. */
export const nodeConnection: Connection = {
  baseUrl: `${location.origin}/v1`,
  key: async () => (await token()) ?? '',
}

/** Where the chat asks; a client without a node sets it to what its user has entered. */
let current: Connection | undefined = isNode ? nodeConnection : undefined

export function connection(): Connection | undefined {
  return current
}

export function useConnectionTo(next: Connection | undefined): void {
  current = next
}
