import type { LoggedEvent } from '../core/index.ts'

/** What a failure that goes on is known by, and how it fails; `undefined` for one that is over. */
interface Standing {
  readonly subject: string
  readonly failure: string | undefined
}

interface Known {
  readonly failure: string
  count: number
  at: number
}

export type Sighting =
  /** Nothing that repeats itself, or the first of its kind. */
  | { readonly kind: 'news' }
  /** The same failure of the same thing once more. */
  | { readonly kind: 'repeat' }
  /** It is over, after so many failures. */
  | { readonly kind: 'recovery'; readonly failures: number }

/** Tells failures that go on from news: whoever is down for a day is worth two lines, not thousands. */
export interface Repeats {
  readonly sight: (event: LoggedEvent) => Sighting
}

const subjectsMax = 1_000
/** After this long without it, a failure is news again: not everything tells when it recovers. */
const forgottenAfterMs = 600_000

const news: Sighting = { kind: 'news' }

export function createRepeats(): Repeats {
  const known = new Map<string, Known>()
  const failed = (subject: string, failure: string, at: number): Sighting => {
    const before = known.get(subject)
    if (before?.failure === failure && at - before.at < forgottenAfterMs) {
      before.count++
      before.at = at
      return { kind: 'repeat' }
    }
    known.delete(subject)
    if (known.size >= subjectsMax) known.delete(known.keys().next().value!)
    known.set(subject, { failure, count: 1, at })
    return news
  }
  return {
    sight: event => {
      const standing = standingOf(event)
      if (standing === undefined) return news
      const { subject, failure } = standing
      if (failure !== undefined) return failed(subject, failure, event.at)
      const before = known.get(subject)
      if (before === undefined) return news
      known.delete(subject)
      return { kind: 'recovery', failures: before.count }
    },
  }
}

function standingOf(event: LoggedEvent): Standing | undefined {
  switch (event.type) {
    case 'service.failed':
      // A request that failed by a bug of ours is an event of its own.
      return event.service.startsWith('request ') ? undefined : { subject: event.service, failure: event.code }
    case 'service.recovered':
      return { subject: event.service, failure: undefined }
    case 'store.lost':
      return { subject: 'store', failure: 'lost' }
    case 'store.back':
      return { subject: 'store', failure: undefined }
    case 'rows.dropped':
      return { subject: 'rows', failure: event.why }
    case 'call.attempted':
      return { subject: `provider ${event.backend}`, failure: event.code }
    case 'call.ended':
      return { subject: `provider ${event.servedBy}`, failure: undefined }
    case 'provider.failed':
      return { subject: `peer ${event.peerId}`, failure: event.code }
    case 'provider.learned':
      return { subject: `peer ${event.peerId}`, failure: undefined }
    case 'voucher.refused':
      return { subject: `payer ${event.payer}`, failure: event.code }
    case 'registry.unavailable':
      return { subject: 'registry', failure: 'unavailable' }
    case 'registry.read':
      return { subject: 'registry', failure: undefined }
    default:
      return undefined
  }
}
