/**
 * What browsers give to pages of https and of this machine alone, for a node that is reached by another name over plain http:
 * ids as they should be, turns of this tab alone, and no clipboard but the one that is asked for a copy.
 */
export function fillIn(): void {
  if (isSecureContext) return
  Object.defineProperty(crypto, 'randomUUID', { value: randomId })
  Object.defineProperty(navigator, 'clipboard', { value: { writeText: copy } })
}

/** One after the other: of all tabs where the browser has locks, else of this one. */
export async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (isSecureContext) return await navigator.locks.request(name, work)
  const turn = (turns.get(name) ?? Promise.resolve()).then(work)
  const over = turn.then(nothing, nothing)
  turns.set(name, over)
  void over.then(() => turns.get(name) === over && turns.delete(name))
  return await turn
}

const turns = new Map<string, Promise<void>>()

function nothing(): void {}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

async function copy(text: string): Promise<void> {
  const box = document.createElement('textarea')
  const before = document.activeElement
  box.value = text
  box.style.position = 'fixed'
  document.body.append(box)
  box.select()
  document.execCommand('copy')
  box.remove()
  if (before instanceof HTMLElement) before.focus()
}
