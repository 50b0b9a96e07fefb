/** Decides who answers a call and how hard to try. */
export * from './admit.ts'
export { aliasOf, shownModels } from './alias.ts'
export { type CacheScope, cachePool, cacheTags } from './cache-key.ts'
export { type CachedOptions, cached } from './cached.ts'
export type {
  AppliedRule,
  Candidate,
  CandidateFacts,
  CandidateSource,
  ModelRules,
  RoutingRule,
} from './candidate.ts'
export type { CircuitState, FailureFacts, TargetState } from './experience.ts'
export {
  type ExplainedCandidate,
  type ExplainOptions,
  type Explanation,
  explain,
  type RouteQuestion,
} from './explain.ts'
export { createHedging, type HedgePlan, type Hedging, type HedgingOptions } from './hedge.ts'
export { type JoinedEmbeddingsOptions, joinedEmbeddings } from './joined-embeddings.ts'
export * from './limited.ts'
export * from './preset.ts'
export * from './ranking.ts'
export * from './record.ts'
export * from './router.ts'
export { type RuledOptions, ruledRouter } from './ruled.ts'
export { isLike, type RuleContext } from './rules.ts'
export { type CallTraits, sampleCall } from './sample-call.ts'
export { type SingleFlightOptions, singleFlight } from './single-flight.ts'
export type { Timeouts } from './timeouts.ts'
