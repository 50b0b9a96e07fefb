import { createHash } from 'node:crypto'
import type { PeerInfo } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { abortError, type Hex, ParleyError, sleep } from '../core/index.ts'
import { type PeerTarget, parseAddress } from './target.ts'

const rawCodec = 0x55
const sha256Code = 0x12
const modelsMax = 256
const addressesMax = 8
const provideTimeoutMs = 30_000
const emptyTableWaitMs = 3_000

export interface DiscoveryOptions {
  readonly dht: KadDHT & { readonly routingTable?: { readonly size: number } }
  readonly peerId: string
  /** Only these peers are believed; the registry decides. */
  readonly believed: (peerId: string) => boolean
  readonly lookupTimeoutMs: number
  readonly announceIntervalMs: number
  /** When nobody took an announcement, it is tried again after this long. */
  readonly announceRetryMs: number
}

/** Who serves which model right now, by the project's own DHT: model id → provider records of peers. */
export class Discovery {
  readonly #options: DiscoveryOptions
  #announced: readonly Hex[] = []
  #announcing: AbortController | undefined

  constructor(options: DiscoveryOptions) {
    this.#options = options
  }

  /** Says that this node serves these models and no others, again at every interval until it stops or is told anew. */
  async announce(modelIds: readonly Hex[]): Promise<void> {
    if (modelIds.length > modelsMax) {
      throw new ParleyError('too_large', `${modelIds.length} models cannot be announced; ${modelsMax} is the most`)
    }
    const cids = modelIds.map(cidOf)
    this.#announcing?.abort()
    const gone = this.#announced.filter(id => !modelIds.includes(id))
    this.#announced = [...modelIds]
    for (const id of gone) await this.#options.dht.cancelReprovide(cidOf(id))
    const controller = new AbortController()
    this.#announcing = controller
    if (cids.length > 0) void this.#keepAnnouncing(cids, controller.signal)
  }

  /**
   * Peers that say they serve the model, each once, as they are found; at most `limit`. Their word is all there is: what they
   * charge and whether they answer shows when they are asked.
   */
  async *find(modelId: Hex, options: { signal: AbortSignal; limit?: number }): AsyncGenerator<PeerTarget, void, void> {
    const { signal, limit = 20 } = options
    const bound = AbortSignal.any([signal, AbortSignal.timeout(this.#options.lookupTimeoutMs)])
    const seen = new Set([this.#options.peerId])
    try {
      await this.#awaitPeers(bound)
      for await (const event of this.#options.dht.findProviders(cidOf(modelId), { signal: bound })) {
        if (event.name !== 'PROVIDER') continue
        for (const target of event.providers.map(targetOf)) {
          if (seen.has(target.peerId) || !this.#options.believed(target.peerId)) continue
          seen.add(target.peerId)
          yield target
          if (seen.size > limit) return
        }
      }
    } catch (cause) {
      if (signal.aborted) throw abortError(signal, cause)
      // The lookup's own bound ends it with what was found.
      if (!bound.aborted) throw ParleyError.from(cause)
    }
  }

  stop(): void {
    this.#announcing?.abort()
    this.#announcing = undefined
  }

  async #keepAnnouncing(cids: readonly CID[], signal: AbortSignal): Promise<void> {
    const { announceIntervalMs, announceRetryMs } = this.#options
    while (!signal.aborted) {
      let taken = 0
      for (const cid of cids) taken += await this.#provide(cid, signal)
      await sleep(taken > 0 ? announceIntervalMs : announceRetryMs, signal).catch(() => undefined)
    }
  }

  /** How many peers took the record. */
  async #provide(cid: CID, signal: AbortSignal): Promise<number> {
    let taken = 0
    try {
      const bound = AbortSignal.any([signal, AbortSignal.timeout(provideTimeoutMs)])
      for await (const event of this.#options.dht.provide(cid, { signal: bound })) {
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') taken++
      }
    } catch {
      // A round that fails is made up for by the next one.
    }
    return taken
  }

  /** A node that has just started knows nobody to ask: gives the first connections a moment. */
  async #awaitPeers(signal: AbortSignal): Promise<void> {
    for (let waited = 0; this.#options.dht.routingTable?.size === 0 && waited < emptyTableWaitMs; waited += 50) {
      await sleep(50, signal)
    }
  }
}

/** The DHT key of a model: a raw CID over the SHA-256 of its id. */
export function cidOf(modelId: Hex): CID {
  const bytes = Buffer.from(modelId.slice(2), 'hex')
  if (bytes.length !== 32) throw new ParleyError('invalid_request', `'${modelId.slice(0, 80)}' is not a model id`)
  return CID.createV1(rawCodec, createDigest(sha256Code, createHash('sha256').update(bytes).digest()))
}

function targetOf(info: PeerInfo): PeerTarget {
  const addresses = info.multiaddrs.slice(0, addressesMax).flatMap(address => {
    try {
      return [parseAddress(address.toString(), info.id).toString()]
    } catch {
      // A peer may announce kinds of addresses this node does not dial.
      return []
    }
  })
  return { peerId: info.id.toString(), addresses: [...new Set(addresses)] }
}
