import type { DollarPrices, Random, RoutingPolicy } from '../core/index.ts'
import type { CandidateFacts } from './candidate.ts'
import { type Experience, prior } from './experience.ts'

/** The policies, and what an app may sort by for one call. */
export type Order = RoutingPolicy | 'latency' | 'throughput'

type Records = ReadonlyMap<string, Experience>

/** Numbers by which candidates are compared, one after the other; the lower first. */
type Keys = (candidate: CandidateFacts, place: number) => readonly number[]

/** Those that are well, the best first: by priority, then as the order says. */
export function inOrder<T extends CandidateFacts>(
  candidates: readonly T[],
  records: Records,
  order: Order,
  random: Random,
): T[] {
  const keysOf = keysFor(order, records, random)
  const keyed = candidates.map((candidate, place) => ({
    candidate,
    keys: [candidate.priority ?? 1, ...keysOf(candidate, place)],
  }))
  keyed.sort((a, b) => compare(a.keys, b.keys))
  const ordered = keyed.map(({ candidate }) => candidate)
  if (order === 'least-busy') return twoChoices(ordered, keysOf, random)
  return isExploring.has(order) ? explored(ordered, random) : ordered
}

function keysFor(order: Order, records: Records, random: Random): Keys {
  const scored = (policy: Weighing) => (candidate: CandidateFacts) =>
    -score(candidate, records.get(candidate.name), scales[policy])
  const seen = ({ name }: CandidateFacts) => records.get(name) ?? prior
  switch (order) {
    case 'balanced':
    case 'fastest':
    case 'trusted': {
      const better = scored(order)
      return candidate => [better(candidate)]
    }
    case 'cheapest':
      return candidate => [priceOf(candidate), scored('balanced')(candidate)]
    case 'private':
      return candidate => [distance[candidate.kind], scored('balanced')(candidate)]
    case 'weighted':
      return candidate => [drawn(candidate, random)]
    case 'priority':
      return (_candidate, place) => [place]
    case 'least-busy':
      return candidate => [loadOf(candidate, records), drawn(candidate, random)]
    case 'latency':
      return candidate => [seen(candidate).firstChunkMs]
    case 'throughput':
      return candidate => [-seen(candidate).tokensPerSecond]
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, key] of a.entries()) if (key !== b[i]) return key - b[i]!
  return 0
}

/** How far a prompt travels, and into whose hands. */
const distance = { local: 0, peer: 1, api: 2 }

/**
 * Of a million units in and out. A token of the escrow is taken for a dollar with six places, as USDC is: then its smallest
 * unit is a millionth of a dollar, and peers and services compare.
 */
function priceOf({ priceIn = 0n, priceOut = 0n, dollars = {} }: CandidateFacts): number {
  return Number(priceIn + priceOut + dollarsOf(dollars))
}

const million = 1_000_000n

function dollarsOf({
  in: prompt = 0n,
  out: answer = 0n,
  image = 0n,
  minute = 0n,
  characters = 0n,
}: DollarPrices): bigint {
  return prompt + answer + image * million + (minute * million) / 60n + characters
}

/**
 * A draw in which each comes first in proportion to its weight, and so on among the rest (Efraimidis and Spirakis). Weight
 * 0 comes last.
 */
function drawn({ weight = 1 }: CandidateFacts, random: Random): number {
  return weight > 0 ? -Math.log(1 - random.fraction()) / weight : Number.MAX_VALUE
}

function loadOf({ name, weight = 1 }: CandidateFacts, records: Records): number {
  const { running = 0 } = records.get(name) ?? {}
  return weight > 0 ? running / weight : Number.MAX_VALUE
}

const many = 16

/** Of many, the less busy of two: nodes that all see the same one idle do not all go there. */
function twoChoices<T extends CandidateFacts>(ordered: T[], keysOf: Keys, random: Random): T[] {
  const group = ordered.filter(({ priority = 1 }) => priority === (ordered[0]?.priority ?? 1))
  if (group.length <= many) return ordered
  const [a, b] = [0, 1].map(() => group[Math.floor(random.fraction() * group.length)]!)
  const first = compare(keysOf(a!, 0), keysOf(b!, 0)) <= 0 ? a! : b!
  return [first, ...ordered.filter(candidate => candidate !== first)]
}

type Weighing = 'balanced' | 'fastest' | 'trusted'

interface Scales {
  readonly price: number
  readonly delay: number
  readonly speed: number
  readonly stake: number
  readonly success: number
}

const scales: Record<Weighing, Scales> = {
  balanced: { price: 1, delay: 0.5, speed: 0.5, stake: 0.5, success: 3 },
  fastest: { price: 0.2, delay: 2, speed: 2, stake: 0.1, success: 3 },
  trusted: { price: 0.2, delay: 0.2, speed: 0.2, stake: 3, success: 5 },
}

/** A sum of logarithms, so that nothing dominates a thousandfold. What costs nothing and runs here comes first. */
function score(candidate: CandidateFacts, record: Experience | undefined, scale: Scales): number {
  const { firstChunkMs, tokensPerSecond } = record ?? prior
  const stake = Math.min(1, Math.log2(1 + (candidate.stakeRatio ?? 0)) / 6)
  return (
    -scale.price * Math.log10(1 + priceOf(candidate)) -
    scale.delay * Math.log2(1 + firstChunkMs / 100) +
    scale.speed * Math.log2(1 + tokensPerSecond / 10) +
    scale.stake * stake +
    scale.success * successLowerBound(record) +
    (candidate.kind === 'local' ? 2 : 0)
  )
}

/** The lower end of what the success rate may be (Wilson, one standard deviation), with one success granted to start. */
function successLowerBound(record: Experience | undefined): number {
  const { fadingSuccesses = 0, fadingFailures = 0 } = record ?? {}
  const n = 1 + fadingSuccesses + fadingFailures
  const p = (1 + fadingSuccesses) / n
  return (p + 0.5 / n - Math.sqrt((p * (1 - p)) / n + 0.25 / (n * n))) / (1 + 1 / n)
}

/** Orders by own measurement: without looking elsewhere now and then, one that got better is never found out. */
const isExploring: ReadonlySet<Order> = new Set<Order>(['balanced', 'fastest', 'trusted'])
const exploration = 0.05

/** Now and then another of the same kind and priority goes first. */
function explored<T extends CandidateFacts>(ordered: T[], random: Random): T[] {
  if (ordered.length < 2 || random.fraction() >= exploration) return ordered
  const place = 1 + Math.floor(random.fraction() * (ordered.length - 1))
  const [first, other] = [ordered[0]!, ordered[place]!]
  if (other.kind !== first.kind || (other.priority ?? 1) !== (first.priority ?? 1)) return ordered
  return ordered.with(0, other).with(place, first)
}
