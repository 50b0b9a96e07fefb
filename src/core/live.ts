import type { Usage } from '../openai/index.ts'
import type { TokenCall } from './call.ts'
import type { ErrorCode } from './error-table.ts'
import type { ParleyError } from './errors.ts'
import type { EndpointRow, JsonDocument, ProviderRow } from './records.ts'

/**
 * What may change while a node runs, in the hands of who changes it. A reload reads the configuration file and the store
 * again, checks both whole and swaps everything at once: a call sees one setup from its start to its end, and a setup that
 * is not valid changes nothing.
 */
export interface Live {
  /**
   * Resolves when the next call sees what is written down now. Those who ask while one is read share the one after it.
   * Throws `config_invalid` with what is wrong and where, or `store_unavailable`; the setup that runs then stays.
   */
  readonly reload: () => Promise<void>
  /**
   * For changes of more than one row: nothing is reloaded while `work` writes, then once. Throws what `work` throws, and
   * what `reload` does. Other nodes may see the rows one by one.
   */
  readonly change: <T>(work: () => Promise<T>) => Promise<T>
  /**
   * Whether a reload would take this beside what it does not name. Throws `invalid_request` with what is wrong, `conflict`
   * for a name that is taken.
   */
  readonly check: (draft: SetupDraft) => void
  /** What runs now, without any secret. */
  readonly setup: () => Setup
  /** Every upstream of the setup and, after those, whom the node was given otherwise. */
  readonly providers: () => readonly LiveProvider[]
  /** Whether an API path such as `/v1/embeddings` is served; one that nobody closed is. */
  readonly isOpen: (path: string) => boolean
  /**
   * One try of one provider, for people: beside the router, its statistics and cooldowns, and recorded nowhere. A name that
   * no provider has is `not_found`; a try that fails is a result. Ends when the signal is aborted, and in any case after
   * the node's bound for a whole answer.
   */
  readonly ask: (provider: string, call: TokenCall, signal: AbortSignal) => Promise<Trial>
}

export type SetupSource = 'file' | 'store' | 'code'

/** One upstream as it is set up: what an entry of the configuration says, and where its key comes from. */
export interface UpstreamSetup {
  readonly name: string
  readonly source: 'file' | 'store'
  /** The row of one from the store. */
  readonly id?: string
  /** `openai`, `anthropic`, … */
  readonly kind: string
  readonly url?: string
  readonly region?: string
  readonly resource?: string
  /** Models offered; empty where the server is asked. */
  readonly models: readonly string[]
  /** Its share among those of its priority, of which a lower one is asked first. */
  readonly weight: number
  readonly priority: number
  /** `variable` and `file` are named in `keyEnv` and `keyFile`; `sealed` is in the store. */
  readonly key: 'none' | 'variable' | 'file' | 'sealed'
  readonly keyEnv?: string
  readonly keyFile?: string
  /** Dollars, as they are written in `prices` of an upstream. */
  readonly prices: readonly JsonDocument[]
}

export interface TargetSetup {
  /** Any that has the model when missing. */
  readonly provider?: string
  readonly model: string
  /** Those of who answers when missing. */
  readonly weight?: number
  readonly priority?: number
}

/** A model name of this node's own. */
export interface EndpointSetup {
  readonly name: string
  /** The API path it is for; every one when missing. */
  readonly path?: string
  readonly source: 'file' | 'store'
  readonly active: boolean
  readonly policy?: string
  readonly continues?: boolean
  readonly targets: readonly TargetSetup[]
}

export interface Setup {
  /** Grows by one with every swap; 1 is what the node started with. */
  readonly generation: number
  readonly upstreams: readonly UpstreamSetup[]
  readonly endpoints: readonly EndpointSetup[]
  /** The section `routing` of the configuration, with what the active configuration of the store says in its place. */
  readonly routing: JsonDocument
  /** API paths that answer `not_found`. */
  readonly closedPaths: readonly string[]
}

/** What is to be written down; what is left out stays as it runs. */
export interface SetupDraft {
  /** Takes the place of the row of its id, or comes beside the others. The secret is plain, or `env:NAME`. */
  readonly providers?: readonly ProviderDraft[]
  readonly endpoints?: readonly Pick<EndpointRow, 'path' | 'mapping'>[]
  /** The part of the section `routing` that is set. */
  readonly routing?: JsonDocument
}

export type ProviderDraft = Pick<ProviderRow, 'name' | 'type' | 'provider' | 'config'> & {
  readonly id?: string
  readonly secret?: string
}

/** How a provider is now. `down` could not be listed, `resting` cools down after failures. */
export interface LiveProvider {
  readonly name: string
  readonly source: SetupSource
  readonly id?: string
  readonly kind: string
  readonly state: 'up' | 'resting' | 'down'
  /** Unix milliseconds. */
  readonly coolsDownUntil?: number
  /** Of its last failure, however long ago; a call's or that of listing its models. */
  readonly lastErrorCode?: ErrorCode
  readonly models: readonly string[]
  /** Calls of this node it works on. */
  readonly running: number
}

/** How a try went. Words of who was asked are in `text` alone. */
export type Trial =
  | {
      readonly ok: true
      readonly ms: number
      readonly firstChunkMs: number
      /** As the provider names it; what was asked for when it does not say. */
      readonly model: string
      /** The answer, or as much of it as can be shown; empty for embeddings. */
      readonly text: string
      readonly usage: Usage
    }
  | { readonly ok: false; readonly ms: number; readonly error: ParleyError }
