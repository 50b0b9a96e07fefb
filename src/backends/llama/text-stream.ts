/** Turns tokens into text as they come. Never gives out part of a character: bytes of one that is not whole wait. */
export interface TextStream {
  /** The text that became certain with this token; often the token's own, sometimes none, sometimes more. */
  push: (token: number) => string
  /** What was held back, at the end. */
  flush: () => string
}

const broken = '\uFFFD'
const longestCharacterTokens = 8

/**
 * Tokens are decoded together with those given out last, because some vocabularies put the space between two words into
 * neither of them alone.
 */
export function textStream(decode: (tokens: Uint32Array) => string): TextStream {
  let before: number[] = []
  let beforeText = ''
  let pending: number[] = []
  const take = (): string => {
    const text = decode(Uint32Array.from([...before, ...pending]))
    return text.startsWith(beforeText) ? text.slice(beforeText.length) : decode(Uint32Array.from(pending))
  }
  return {
    push: token => {
      pending.push(token)
      const text = take()
      if (text.endsWith(broken) && pending.length < longestCharacterTokens) return ''
      before = pending
      beforeText = decode(Uint32Array.from(before))
      pending = []
      return text
    },
    flush: () => (pending.length === 0 ? '' : take()),
  }
}

/** Looks for stop strings in a text that comes in pieces; what could be the beginning of one is held back. */
export interface StopFinder {
  /** `rest` is what follows the stop string in the text so far. */
  push: (text: string) => { text: string; stopped: boolean; rest: string }
  flush: () => string
}

export function stopFinder(stops: readonly string[]): StopFinder {
  let held = ''
  return {
    push: text => {
      if (stops.length === 0) return { text, stopped: false, rest: '' }
      held += text
      const found = firstStop(held, stops)
      if (found !== undefined) {
        return { text: held.slice(0, found.at), stopped: true, rest: held.slice(found.at + found.stop.length) }
      }
      const keep = longestBeginning(held, stops)
      const certain = held.slice(0, held.length - keep)
      held = held.slice(held.length - keep)
      return { text: certain, stopped: false, rest: '' }
    },
    flush: () => held,
  }
}

function firstStop(text: string, stops: readonly string[]): { at: number; stop: string } | undefined {
  let first: { at: number; stop: string } | undefined
  for (const stop of stops) {
    const at = text.indexOf(stop)
    if (at !== -1 && (first === undefined || at < first.at)) first = { at, stop }
  }
  return first
}

/** Length of the longest end of `text` that begins one of the stops. */
function longestBeginning(text: string, stops: readonly string[]): number {
  let longest = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length
    }
  }
  return longest
}
