import { create } from 'zustand'
import type { Connection } from '../../openai/stream-client.ts'
import { isNode, token, tokenAfter } from './session.ts'

/** The node itself, as whoever is signed in. */
export const nodeConnection: Connection = {
  baseUrl: `${location.origin}/v1`,
  key: async () => (await token()) ?? '',
  fetch: async (url, init) => {
    const response = await fetch(url, init)
    const headers = new Headers(init?.headers)
    const refused = headers.get('authorization')?.replace(/^Bearer /, '')
    if (response.status !== 401 || !refused) return response
    const next = await tokenAfter(refused)
    if (next === undefined) return response
    headers.set('authorization', `Bearer ${next}`)
    await response.body?.cancel()
    return await fetch(url, { ...init, headers })
  },
}

/** Where the chat asks; a client without a node sets it to what its user has entered. */
const useCurrent = create<{ readonly connection: Connection | undefined; readonly name: string | undefined }>(() => ({
  connection: isNode ? nodeConnection : undefined,
  name: undefined,
}))

export function connection(): Connection | undefined {
  return useCurrent.getState().connection
}

/** The same, for what is drawn; undefined while nothing was entered, or the key is locked. */
export function useConnection(): Connection | undefined {
  return useCurrent(state => state.connection)
}

export function connectTo(next: Connection | undefined, name?: string): void {
  useCurrent.setState({ connection: next, name })
}
