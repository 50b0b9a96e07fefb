/** Decides who answers a call and how hard to try. */
export * from './admit.ts'
export type { Candidate, CandidateFacts, CandidateSource, ModelRules } from './candidate.ts'
export type { CircuitState, FailureFacts, TargetState } from './experience.ts'
export { type ExplainedCandidate, type Explanation, explain, type RouteQuestion } from './explain.ts'
export * from './ranking.ts'
export * from './record.ts'
export * from './router.ts'
export type { Timeouts } from './timeouts.ts'
