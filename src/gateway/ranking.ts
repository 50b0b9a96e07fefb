import type { Clock, Random, RoutingPolicy } from '../core/index.ts'

/** What is known about a way to answer before it is asked. */
export interface CandidateFacts {
  readonly name: string
  readonly kind: 'local' | 'api' | 'peer'
  /** Smallest token units per million tokens; absent when free. */
  readonly priceIn?: bigint
  readonly priceOut?: bigint
  /** Stake as a multiple of the registry's minimum. */
  readonly stakeRatio?: number
  /** Its share among candidates of its priority; 1 when missing, 0 for one that only stands in. */
  readonly weight?: number
  /** A lower one is asked first; a higher one when all below it failed or cool down. 1 when missing. */
  readonly priority?: number
  /** What the model can do there (`vision`, `tools`, `json`, …), as far as it is known. */
  readonly capabilities?: readonly string[]
  /** Tokens of prompt and answer together. */
  readonly contextTokens?: number
}

/** Orders candidates by what this node itself has seen of them, never by what they say of themselves. */
export interface Ranking {
  order: <T extends CandidateFacts>(candidates: readonly T[], policy: RoutingPolicy) => T[]
  succeeded: (name: string, firstChunkMs: number, tokensPerSecond: number | undefined) => void
  failed: (name: string) => void
  /** A provider that broke the payment protocol is put last for a long time. */
  distrust: (name: string) => void
}

interface Experience {
  successes: number
  failures: number
  firstChunkMs: number
  tokensPerSecond: number
  coolsDownAt: number
  failuresInARow: number
  isDistrusted: boolean
}

const decay = 0.8
const exploration = 0.05
const maxRecords = 10_000
const maxCooldownMs = 60_000
const distrustMs = 3_600_000
/** A newcomer is taken for an average provider until it has shown itself. */
const prior = { firstChunkMs: 400, tokensPerSecond: 30 }
interface Scales {
  price: number
  delay: number
  speed: number
  stake: number
  success: number
}
const weights: Partial<Record<RoutingPolicy, Scales>> & { balanced: Scales } = {
  balanced: { price: 1, delay: 0.5, speed: 0.5, stake: 0.5, success: 3 },
  cheapest: { price: 4, delay: 0.1, speed: 0.1, stake: 0.1, success: 2 },
  fastest: { price: 0.2, delay: 2, speed: 2, stake: 0.1, success: 3 },
  trusted: { price: 0.2, delay: 0.2, speed: 0.2, stake: 3, success: 5 },
}

export function createRanking(clock: Clock, random: Random): Ranking {
  const records = new Map<string, Experience>()
  const recordOf = (name: string): Experience => {
    const known = records.get(name)
    if (known !== undefined) return known
    if (records.size >= maxRecords) records.delete(records.keys().next().value!)
    const fresh = { successes: 0, failures: 0, ...prior, coolsDownAt: 0, failuresInARow: 0, isDistrusted: false }
    records.set(name, fresh)
    return fresh
  }
  return {
    order: (candidates, policy) => {
      const now = clock.monotonic()
      const scored = candidates.map(candidate => {
        const record = records.get(candidate.name)
        const isCooling = record !== undefined && record.coolsDownAt > now
        return { candidate, isCooling, score: score(candidate, record, policy) }
      })
      scored.sort((a, b) => Number(a.isCooling) - Number(b.isCooling) || b.score - a.score)
      explore(scored, random)
      return scored.map(({ candidate }) => candidate)
    },
    succeeded: (name, firstChunkMs, tokensPerSecond) => {
      const record = recordOf(name)
      record.successes = record.successes * decay + 1
      record.failures *= decay
      record.firstChunkMs = record.firstChunkMs * decay + firstChunkMs * (1 - decay)
      if (tokensPerSecond !== undefined) {
        record.tokensPerSecond = record.tokensPerSecond * decay + tokensPerSecond * (1 - decay)
      }
      record.failuresInARow = 0
      if (!record.isDistrusted) record.coolsDownAt = 0
    },
    failed: name => {
      const record = recordOf(name)
      record.failures = record.failures * decay + 1
      record.successes *= decay
      const cooldown = Math.min(maxCooldownMs, 500 * 2 ** record.failuresInARow++)
      record.coolsDownAt = Math.max(record.coolsDownAt, clock.monotonic() + cooldown)
    },
    distrust: name => {
      const record = recordOf(name)
      record.isDistrusted = true
      record.coolsDownAt = clock.monotonic() + distrustMs
    },
  }
}

/** A sum of logarithms, so that nothing dominates a thousandfold. What costs nothing and runs here comes first. */
function score(candidate: CandidateFacts, record: Experience | undefined, policy: RoutingPolicy): number {
  const weight = weights[policy] ?? weights.balanced
  const price = Number((candidate.priceIn ?? 0n) + (candidate.priceOut ?? 0n))
  const { firstChunkMs, tokensPerSecond } = record ?? prior
  const stake = Math.min(1, Math.log2(1 + (candidate.stakeRatio ?? 0)) / 6)
  return (
    -weight.price * Math.log10(1 + price) -
    weight.delay * Math.log2(1 + firstChunkMs / 100) +
    weight.speed * Math.log2(1 + tokensPerSecond / 10) +
    weight.stake * stake +
    weight.success * successLowerBound(record) +
    (candidate.kind === 'local' ? 2 : 0)
  )
}

/** The lower end of what the success rate may be (Wilson, one standard deviation), with one success granted to start. */
function successLowerBound(record: Experience | undefined): number {
  const n = 1 + (record?.successes ?? 0) + (record?.failures ?? 0)
  const p = (1 + (record?.successes ?? 0)) / n
  return (p + 0.5 / n - Math.sqrt((p * (1 - p)) / n + 0.25 / (n * n))) / (1 + 1 / n)
}

/** Now and then the second goes first, so that a provider that got better is found out. Never one that is cooling down. */
function explore(scored: { isCooling: boolean; candidate: CandidateFacts }[], random: Random): void {
  if (scored.length < 2 || random.fraction() >= exploration) return
  const other = 1 + Math.floor(random.fraction() * (scored.length - 1))
  const [first, second] = [scored[0]!, scored[other]!]
  if (second.isCooling || second.candidate.kind !== first.candidate.kind) return
  scored[0] = second
  scored[other] = first
}
