import type { Candidate, CandidateSource } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'

/** Several sources as one: every way to answer, and each model once, with how many can answer with it. */
export function createCandidates(...sources: readonly CandidateSource[]): CandidateSource {
  return {
    serving: (model): Candidate[] => sources.flatMap(source => source.serving(model)),
    names: () => [...new Set(sources.flatMap(source => source.names?.() ?? []))],
    models: async signal => union((await Promise.all(sources.map(source => source.models(signal)))).flat()),
  }
}

/** What a list says of a model, as far as it helps to choose. Of two lengths the shorter is what a server runs with. */
export function modelFacts({ capabilities, context_length, max_model_len }: Model): ModelFacts {
  const contextTokens = Math.min(context_length || unbounded, max_model_len || unbounded)
  return { ...(capabilities && { capabilities }), ...(contextTokens < unbounded && { contextTokens }) }
}

type ModelFacts = Pick<Candidate, 'capabilities' | 'contextTokens'>

const unbounded = Number.POSITIVE_INFINITY

/** The first source that lists a model describes it: what runs here before what others sell. */
function union(models: readonly Model[]): Model[] {
  const byId = new Map<string, Model>()
  for (const model of models) {
    const known = byId.get(model.id)
    byId.set(model.id, { ...(known ?? model), providers: (known?.providers ?? 0) + 1 })
  }
  return [...byId.values()]
}
