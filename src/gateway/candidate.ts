import type { Backend, Call, DollarPrices, RoutingPolicy, Task } from '../core/index.ts'
import type { Model } from '../openai/index.ts'

/** What is known about a way to answer before it is asked. */
export interface CandidateFacts {
  readonly name: string
  readonly kind: 'local' | 'api' | 'peer'
  /** What a peer is paid by; others answer whatever they can. */
  readonly unit?: string
  /** Smallest units of the escrow's token per million units; absent when free. */
  readonly priceIn?: bigint
  readonly priceOut?: bigint
  /** What this node's operator pays for it otherwise; never paid by the escrow. */
  readonly dollars?: DollarPrices
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

/** One way to answer: a backend and what is known about it. */
export interface Candidate extends CandidateFacts {
  readonly backend: Backend
  /** The name the backend knows the model by, where it is another than the one that was asked for. */
  readonly alias?: string
}

/** What holds for one model in place of the router's own settings. */
export interface ModelRules {
  readonly policy?: RoutingPolicy
  /** Whether an answer that breaks off after its first word is continued by another candidate. */
  readonly continues?: boolean
}

/** Which calls a rule is for: those for which everything holds that it names. */
export interface RuleCondition {
  /** Of these models; `*` stands for any letters, `?` for one. */
  readonly models?: readonly string[] | undefined
  /** With one of these keys of the node, by name or id. */
  readonly keys?: readonly string[] | undefined
  readonly tasks?: readonly Task[] | undefined
  /** Bounds of the request's text, in UTF-8. */
  readonly minBytes?: number | undefined
  readonly maxBytes?: number | undefined
  /** Capabilities of which the request needs every one. */
  readonly needs?: readonly string[] | undefined
}

/** What a rule changes. Names are those of candidates, in any case. */
export interface RuleEffect {
  readonly policy?: RoutingPolicy | undefined
  readonly only?: readonly string[] | undefined
  readonly ignore?: readonly string[] | undefined
  /** Answers in place of the model that was asked for. */
  readonly model?: string | undefined
}

export interface RoutingRule {
  readonly when: RuleCondition
  readonly use: RuleEffect
}

/** A rule that holds for a call, and its place in the list: 1 is the first. */
export interface AppliedRule {
  readonly place: number
  readonly use: RuleEffect
}

/** The ways to answer right now; read afresh for every call, so that a change takes effect with the next one. */
export interface CandidateSource {
  /** Those that serve a model; `priority` asks them in this order. */
  serving: (model: string) => readonly Candidate[]
  models: (signal: AbortSignal) => Promise<Model[]>
  /** Rules of a model; the router's own hold where it says nothing. */
  rules?: (model: string) => ModelRules | undefined
  /** The rule of the node's operator that holds for a call. */
  ruleFor?: (call: Call) => AppliedRule | undefined
  /** Names of all candidates there are, whatever they serve; those that serve the model when missing. */
  names?: () => readonly string[]
}
