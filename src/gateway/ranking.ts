import type { Clock, ErrorCode, Random } from '../core/index.ts'
import type { CandidateFacts } from './candidate.ts'
import {
  begin,
  type Experience,
  type FailureFacts,
  isResting,
  newExperience,
  noteDistrust,
  noteFailure,
  noteFirstWord,
  noteOvertaken,
  noteRest,
  noteSuccess,
  type TargetState,
  targetState,
} from './experience.ts'
import { inOrder, type Order } from './policies.ts'

/** Orders candidates by what this node itself has seen of them, never by what they say of themselves. */
export interface Ranking {
  /** The best first. Those that cool down come last, the least bad first: a sole one is still asked. */
  order: <T extends CandidateFacts>(candidates: readonly T[], order: Order) => T[]
  /** A call begins there; what it returns is called once when it is over. */
  started: (name: string) => () => void
  /** Without times for an answer that is not counted in tokens. */
  succeeded: (name: string, firstChunkMs?: number, tokensPerSecond?: number) => void
  /** How long its first word took; told only where `lateAfterMs` is asked for. */
  spoke: (name: string, ms: number) => void
  /** It was given up after this long, as another had spoken: no failure. */
  overtaken: (name: string, ms: number) => void
  /** When a first word is later than 95 of 100; undefined until enough came. */
  lateAfterMs: (name: string) => number | undefined
  /** Asked as usual: it neither cools down nor is being tried again. */
  isWell: (name: string) => boolean
  failed: (name: string, facts?: FailureFacts) => void
  /** Another node found out that it is not well: it is asked last for this long. */
  rest: (name: string, ms: number) => void
  /** A provider that broke the payment protocol is put last for a long time. */
  distrust: (name: string, code?: ErrorCode) => void
  /** Its key, address or model was changed: what was seen of it says nothing any more. */
  forget: (name: string) => void
  /** Every target that was asked, in the order of its first call. */
  snapshot: () => TargetState[]
}

const maxRecords = 10_000

/** `onRest` is told who has failed here and for how long it rests. */
export function createRanking(
  clock: Clock,
  random: Random,
  onRest: (name: string, ms: number) => void = () => {},
): Ranking {
  const records = new Map<string, Experience>()
  const recordOf = (name: string): Experience => {
    const known = records.get(name)
    if (known !== undefined) return known
    if (records.size >= maxRecords) records.delete(records.keys().next().value!)
    const fresh = newExperience(name)
    records.set(name, fresh)
    return fresh
  }
  return {
    order: (candidates, order) => {
      const now = clock.monotonic()
      const rested = candidates.filter(({ name }) => !isResting(records.get(name), now))
      const resting = candidates.filter(({ name }) => isResting(records.get(name), now))
      return [...inOrder(rested, records, order, random), ...leastBadFirst(resting, records)]
    },
    started: name => begin(recordOf(name), clock.monotonic()),
    succeeded: (name, firstChunkMs, tokensPerSecond) =>
      noteSuccess(recordOf(name), clock.monotonic(), { firstChunkMs, tokensPerSecond }),
    spoke: (name, ms) => noteFirstWord(recordOf(name), ms),
    overtaken: (name, ms) => noteOvertaken(recordOf(name), ms),
    lateAfterMs: name => records.get(name)?.firstWords?.p95(),
    isWell: name => !isResting(records.get(name), clock.monotonic()),
    failed: (name, facts = {}) => {
      const [record, now] = [recordOf(name), clock.monotonic()]
      noteFailure(record, now, facts)
      onRest(name, record.coolsDownAt - now)
    },
    rest: (name, ms) => noteRest(recordOf(name), clock.monotonic(), ms),
    distrust: (name, code) => noteDistrust(recordOf(name), clock.monotonic(), code),
    forget: name => void records.delete(name),
    snapshot: () => [...records.values()].map(record => targetState(record, clock)),
  }
}

/** Whose time is over first goes first; who lied about money, last. */
function leastBadFirst<T extends CandidateFacts>(resting: readonly T[], records: ReadonlyMap<string, Experience>): T[] {
  const badness = ({ name }: T) => records.get(name)!
  return resting.toSorted((a, b) => {
    const [first, second] = [badness(a), badness(b)]
    return Number(first.isDistrusted) - Number(second.isDistrusted) || first.coolsDownAt - second.coolsDownAt
  })
}
