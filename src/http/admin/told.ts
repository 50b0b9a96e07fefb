import { type Actor, type EventLog, type Management, ParleyError } from '../../core/index.ts'
import type { AdminRoute } from './route.ts'

/** What is known of a request by the time it is answered. */
export interface Telling {
  actor: Actor | undefined
  /** Once it fits. */
  body?: unknown
  /** What the handler handed over. */
  handed?: unknown
}

export interface TellingOptions {
  readonly management: Pick<Management, 'identify'>
  readonly log?: EventLog
}

const idMaxLength = 64

/** Puts on record who asked for more than to read, and what came of it: names of fields, never their values. */
export async function told(
  { method, path, isTold, status }: AdminRoute,
  id: string | undefined,
  { log, management }: TellingOptions,
  telling: Telling,
  work: () => Promise<void>,
): Promise<void> {
  if (!isTold || log === undefined) return await work()
  const tell = (actor: Actor | undefined, status: number) => {
    // Whoever proves nothing could fill the log: of him it has what counts as a guess.
    if (actor === undefined && status !== 401 && status >= 400) return
    log.emit({
      type: 'management.changed',
      actor: actor === undefined ? 'visitor' : `${actor.kind}:${actor.id}`,
      role: actor?.role ?? 'none',
      route: `${method} /api${path}`,
      target: id?.slice(0, idMaxLength) ?? idIn(telling.handed),
      fields: Object.keys(Object(telling.body)).join(','),
      status,
    })
  }
  try {
    await work()
  } catch (cause) {
    tell(telling.actor, ParleyError.from(cause).httpStatus)
    throw cause
  }
  tell(telling.actor ?? (await newcomer(telling.handed, management)), status)
}

type Handed = { readonly [name in 'id' | 'key' | 'user' | 'pass' | 'accessToken']?: unknown }

/** Of what was made: itself, or the key or user in it. */
function idIn(handed: unknown): string | undefined {
  const { id, key, user } = Object(handed) as Handed
  const own = id ?? (Object(key ?? user) as Handed).id
  return typeof own === 'string' ? own : undefined
}

/** Who logged in by this very request. */
async function newcomer(handed: unknown, { identify }: TellingOptions['management']): Promise<Actor | undefined> {
  const { accessToken, pass } = Object(handed) as Handed
  const token = accessToken ?? (Object(pass) as Handed).accessToken
  return typeof token === 'string' ? await identify(token).catch(() => undefined) : undefined
}
