import { useEffect, useRef } from 'react'
import { token } from '../../client/session.ts'

/** One event of the node: when (Unix milliseconds), what, and its facts. */
export interface NodeNews {
  readonly type: string
  readonly at: number
  readonly [fact: string]: unknown
}

const againMs = 3_000
const eventMaxLength = 100_000

/** Calls back with events of these types while somebody looks; goes on by itself where a stream has ended. */
export function useEvents(types: readonly string[], tell: (news: NodeNews) => void, isOn: boolean): void {
  const latest = useRef(tell)
  latest.current = tell
  const wanted = types.join(',')
  useEffect(() => {
    if (!isOn) return
    const end = new AbortController()
    void follow(wanted, news => document.hidden || latest.current(news), end.signal)
    return () => end.abort()
  }, [wanted, isOn])
}

async function follow(types: string, tell: (news: NodeNews) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await read(types, tell, signal)
    } catch {
      // The node went away, or this page did.
    }
    await new Promise(resolve => setTimeout(resolve, againMs))
  }
}

async function read(types: string, tell: (news: NodeNews) => void, signal: AbortSignal): Promise<void> {
  const known = await token()
  const headers = { ...(known !== undefined && { authorization: `Bearer ${known}` }) }
  const response = await fetch(`/api/events?types=${types}`, { headers, signal, cache: 'no-store' })
  if (!response.ok || response.body === null) return
  let rest = ''
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const events = (rest + decoder.decode(value, { stream: true })).split('\n\n')
    rest = events.pop()!.slice(-eventMaxLength)
    for (const event of events) {
      const data = event.split('\n').find(line => line.startsWith('data: '))
      if (data !== undefined) tell(JSON.parse(data.slice('data: '.length)) as NodeNews)
    }
  }
}
