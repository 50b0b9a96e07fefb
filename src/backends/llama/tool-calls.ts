import { stopFinder } from './text-stream.ts'

/** What a piece of an answer turned out to be. */
export type Spoken =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: string }

/** Finds the calls in an answer whose text comes in pieces; everything else passes through. */
export interface ToolCallReader {
  push: (text: string) => Spoken[]
  /** What was held back, at the end: a call that was never closed is text. */
  flush: () => Spoken[]
}

const opening = '<tool_call>'
const closing = '</tool_call>'

/**
 * Whether a chat template teaches its model to call tools as `<tool_call>{"name": …, "arguments": …}</tool_call>`: the way of
 * Hermes, Qwen and those who follow them. Other ways are left in the text.
 */
export function speaksToolCalls(template: string): boolean {
  return template.includes(opening)
}

export function toolCallReader(): ToolCallReader {
  let inside = false
  let finder = stopFinder([opening])
  let call = ''
  const push = (text: string): Spoken[] => {
    const step = finder.push(text)
    if (!step.stopped) {
      if (inside) call += step.text
      return inside ? [] : said(step.text)
    }
    const rest = step.rest
    const spoken = inside ? [readCall(call + step.text)] : said(step.text)
    call = ''
    inside = !inside
    finder = stopFinder([inside ? closing : opening])
    return [...spoken, ...push(rest)]
  }
  return {
    push,
    flush: () => said(inside ? opening + call + finder.flush() : finder.flush()),
  }
}

function said(text: string): Spoken[] {
  return text === '' ? [] : [{ kind: 'text', text }]
}

function readCall(text: string): Spoken {
  try {
    const { name, arguments: given } = JSON.parse(text) as { name?: unknown; arguments?: unknown }
    if (typeof name === 'string') {
      return { kind: 'call', name, arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}) }
    }
  } catch {
    // What a model writes need not be JSON; then it is text, and the app sees what was said.
  }
  return { kind: 'text', text: opening + text + closing }
}
