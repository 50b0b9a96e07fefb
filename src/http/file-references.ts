import { type Ownership, ParleyError, type Principal, principalName } from '../core/index.ts'
import type { ChatRequest } from '../openai/index.ts'

/**
 * Refuses a chat that names files which are not its caller's: the server would read them to whomever asks with this node's
 * key. A peer has none.
 */
export function checkFiles({ messages }: ChatRequest, principal: Principal, ownership: Ownership | undefined): void {
  if (isOperator(principal)) return
  const owner = principalName(principal)
  for (const { content } of messages) {
    if (!Array.isArray(content)) continue
    for (const part of content) {
      const id = part.type === 'text' ? undefined : fileOf(part)
      if (id === undefined) continue
      const isOwn = (ownership?.providersOf(owner, 'file', id).length ?? 0) > 0
      if (!isOwn) throw notOf('file', id, 'messages')
    }
  }
}

/** Whoever holds the token of this machine's run directory. */
export function isOperator({ kind, id }: Principal): boolean {
  return kind === 'self' && id === 'admin'
}

/** The same for what never was and for what is somebody else's. */
export function notOf(kind: 'file' | 'job', id: string, param: string): ParleyError {
  const shown = JSON.stringify(id.slice(0, 64))
  return new ParleyError('not_found', `there is no ${kind} ${shown} of this key; list those there are`, { param })
}

/** A part names its file itself, or in the field that is called like its type. */
function fileOf(part: Readonly<Record<string, unknown>>): string | undefined {
  const { file_id: id } = { ...part, ...(part[String(part.type)] as object | undefined) }
  return typeof id === 'string' ? id : undefined
}
