import type { Hex, ProviderDirectory, Service } from '../core/index.ts'
import type { PeerNode } from '../p2p/index.ts'

export interface WhereaboutsOptions {
  readonly p2p: Pick<PeerNode, 'discovery'>
  readonly directory: ProviderDirectory
  /** The models of the market, as they were learned. */
  readonly modelIds: () => readonly Hex[]
  readonly intervalMs?: number
}

/** Where peers say they are right now, beside the endpoint the registry names: a provider that moved is found again. */
export interface Whereabouts extends Service {
  readonly of: (peerId: string) => readonly string[]
}

const modelsPerRound = 16
const peersPerModel = 20
const peersMax = 1_000
/** Until the market has been learned there is little to ask for, and soon after it there may be more. */
const soonMs = 2_000

/** Asks the DHT for the providers of every known model, round by round, and remembers the addresses it hears. */
export function createWhereabouts(options: WhereaboutsOptions): Whereabouts {
  const { p2p, directory, modelIds, intervalMs = 60_000 } = options
  const heard = new Map<string, readonly string[]>()
  const stopping = new AbortController()
  let next = 0
  let timer: NodeJS.Timeout | undefined

  const askOne = async (modelId: Hex) => {
    for await (const { peerId, addresses } of p2p.discovery.find(modelId, {
      signal: stopping.signal,
      limit: peersPerModel,
    })) {
      heard.delete(peerId)
      heard.set(peerId, addresses)
      if (heard.size > peersMax) heard.delete(heard.keys().next().value!)
    }
  }
  const round = async () => {
    const known = [...new Set([...modelIds(), ...offeredIn(directory)])]
    for (let asked = 0; asked < Math.min(modelsPerRound, known.length) && !stopping.signal.aborted; asked++) {
      // A lookup that fails says nothing new; the registry's endpoints still stand.
      await askOne(known[next++ % known.length]!).catch(() => undefined)
    }
    if (!stopping.signal.aborted) timer = setTimeout(() => void round(), heard.size === 0 ? soonMs : intervalMs).unref()
  }
  return {
    name: 'whereabouts',
    of: peerId => heard.get(peerId) ?? [],
    start: async () => {
      timer = setTimeout(() => void round(), soonMs).unref()
    },
    stop: async () => {
      clearTimeout(timer)
      stopping.abort()
    },
  }
}

function offeredIn(directory: ProviderDirectory): Hex[] {
  return directory.list().flatMap(({ offers }) => offers.map(({ modelId }) => modelId))
}
